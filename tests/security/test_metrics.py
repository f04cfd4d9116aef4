"""What machines ask of a desk on the internet: metrics, by a token only, and health."""

import pytest

from tests import asking
from tests.conftest import Desk, start_desk, stop_desk
from tests.security.conftest import HOST, PublicDesk, free_port

TOKEN = "a-token-of-the-tests"


@pytest.mark.parametrize("headers", [{}, {"Host": HOST}, {"Host": HOST, "X-Real-IP": "203.0.113.7"}])
def test_a_public_desk_without_a_token_shows_metrics_to_nobody(
    public_desk: PublicDesk, headers: dict[str, str]
) -> None:
    answer = public_desk.get("/metrics", headers)
    assert answer.status_code == 403
    assert "TRADEPOST_METRICS_TOKEN" in answer.text


def test_a_public_desk_shows_metrics_to_the_token_whatever_the_host() -> None:
    port = free_port()
    running = start_desk("--port", str(port), TRADEPOST_URL=f"https://{HOST}", TRADEPOST_METRICS_TOKEN=TOKEN)
    url, authorization = f"http://127.0.0.1:{port}/metrics", {"Authorization": f"Bearer {TOKEN}"}
    assert asking.get(url, headers=authorization).status_code == 200
    assert asking.get(url).status_code == 401
    assert stop_desk(running) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3:8000", "node-7.internal", HOST])
def test_a_load_balancer_asks_for_health_over_plain_http_by_any_name(public_desk: PublicDesk, host: str) -> None:
    answer = public_desk.get("/healthz", {"Host": host})
    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via", "CF-Connecting-IP"],
)
def test_what_a_proxy_passes_on_is_not_from_this_machine(desk: Desk, name: str) -> None:
    assert asking.get(f"{desk.url}/metrics").status_code == 200
    assert asking.get(f"{desk.url}/metrics", headers={name: "127.0.0.1"}).status_code == 403
