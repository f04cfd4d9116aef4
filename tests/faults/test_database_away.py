"""The database goes away and comes back: the desk gives no wrong answer meanwhile, and recovers by itself."""

from pathlib import Path

from tests import asking
from tests.conftest import start_desk, stop_desk
from tradepost.config import environment
from tradepost.up.postgres import Postgres


def test_a_database_that_is_away_is_answered_with_503_in_plain_text(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "db", environment.postgres_bin())
    server.start()
    desk = start_desk("--demo", TRADEPOST_HOME=str(tmp_path / "desk"), DATABASE_URL=server.url)
    try:
        key = asking.get(desk.api_url).json()
        assert key == {"error": "Invalid API key"}
        server.stop()
        for action in ("add", "balance", "services", "status"):
            answer = asking.post(desk.api_url, data={"key": "any", "action": action, "order": 1})
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert "{" not in answer.text
        assert asking.get(f"{desk.url}/healthz").status_code == 503
        assert asking.get(f"{desk.url}/healthz/ready").text == "the database is away"
        assert asking.get(f"{desk.url}/healthz/live").text == "ok"
        server.start()
        assert asking.get(f"{desk.url}/healthz").text == "ok"
        assert asking.get(desk.api_url).json() == {"error": "Invalid API key"}
    finally:
        assert stop_desk(desk) == 0
        server.stop()
