"""`tradepost up`: one command runs the desk, reports errors in one line, and stops cleanly."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests import asking
from tests.conftest import Desk, kill_desk, start_desk, stop_desk, until_stopped
from tests.waiting import HANG_SECONDS, until
from tradepost.config import environment
from tradepost.engine import books_check
from tradepost.engine.order_types import OrderType
from tradepost.up import supervisor
from tradepost.up.database_roles import OWNER
from tradepost.up.postgres import Postgres


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in which several tests start desks, one after the other."""
    return tmp_path_factory.mktemp("home")


def start(home: Path, *arguments: str) -> Desk:
    """Start a desk with its own embedded database."""
    return start_desk(*arguments, TRADEPOST_HOME=str(home), DATABASE_URL="")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A demo desk with a new home folder, for the tests that leave it running."""
    running = start(tmp_path_factory.mktemp("demo"), "--demo")
    yield running
    assert stop_desk(running) == 0


def read_demo(desk: Desk) -> dict[str, object]:
    """Return the content of `demo.json`."""
    return json.loads((desk.home / "demo.json").read_text())  # type: ignore[no-any-return]


def call(desk: Desk, account: int, action: str, **parameters: object) -> object:
    """Call the API as one of the demo's customers."""
    key = read_demo(desk)["accounts"][account]["key"]  # type: ignore[index]
    return asking.post(desk.api_url, data={"key": key, "action": action, **parameters}).json()


def test_the_demo_writes_down_how_to_reach_it(demo: Desk) -> None:
    written = read_demo(demo)
    assert written["url"] == demo.url
    assert written["api_url"] == demo.api_url
    assert written["staff"].keys() == {"email", "password", "role"}  # type: ignore[attr-defined]
    colleagues = written["colleagues"]
    assert [each["role"] for each in colleagues] == ["manager", "support", "fulfiller"]  # type: ignore[attr-defined]
    accounts = written["accounts"]
    assert [each["balance"] for each in accounts] == ["1000000.00", "1.00", "250.00"]  # type: ignore[attr-defined]
    assert all(each.keys() == {"email", "password", "key", "balance"} for each in accounts)  # type: ignore[attr-defined]
    assert stat.S_IMODE((demo.home / "demo.json").stat().st_mode) == 0o600


def test_the_demo_says_where_to_sign_in(demo: Desk) -> None:
    assert demo.process.stdout
    line = demo.process.stdout.readline()
    assert f"Sign in: {demo.url}/account/login/" in line
    assert f"Back office: {demo.url}/admin/" in line
    assert line.rstrip().endswith("demo.json")


def test_in_the_demo_a_payment_by_support_can_wait_for_a_managers_approval(demo: Desk) -> None:
    with psycopg.connect(Postgres(demo.home).url) as connection:
        limits = connection.execute(
            "SELECT g.name, l.approval_above < l.per_payment, l.per_payment <= l.per_day FROM ledger_paymentlimit l"
            " JOIN auth_group g ON g.id = l.group_id ORDER BY g.name"
        ).fetchall()
    assert limits == [("manager", True, True), ("support", True, True)]


def test_metrics_are_read_from_this_machine(demo: Desk) -> None:

    def response() -> httpx2.Response:
        return asking.get(f"{demo.url}/metrics")

    assert response().status_code == 200
    until(lambda: "tradepost_workers 1.0\n" in response().text, "a worker is heard of, and no other")
    passed_on = asking.get(f"{demo.url}/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    assert passed_on.status_code == 403


def test_the_demo_sells_60_services_of_every_type(demo: Desk) -> None:
    services = call(demo, 0, "services")
    assert isinstance(services, list)
    assert len(services) >= 60
    assert {each["type"] for each in services} == {kind.value for kind in OrderType}
    assert len({each["category"] for each in services}) > 5
    first = next(each for each in services if each["service"] == 1)
    expected = {"type": "Default", "rate": "0.90", "min": "10", "max": "10000"}
    assert first.items() >= {**expected, "refill": True, "cancel": True, "dripfeed": True}.items()


def test_the_demo_has_a_past_that_its_books_prove(demo: Desk) -> None:
    with psycopg.connect(Postgres(demo.home).url) as connection:
        assert list(books_check.check(connection)) == []
        [(orders, days, newest)] = connection.execute(
            "SELECT count(*), count(DISTINCT created_at::date), max(updated_at) <= now() FROM orders_order"
        ).fetchall()
        assert orders >= 3_600
        assert days >= 33
        assert newest
        statuses = {row[0] for row in connection.execute("SELECT DISTINCT status FROM orders_order")}
        assert statuses >= {"Completed", "Partial", "Canceled"}
        found = connection.execute("SELECT sum(cost), count(DISTINCT provider_id) FROM orders_attempt").fetchone()
        assert found is not None
        assert found[0] > 0
        assert (
            found[1] == connection.execute("SELECT count(*) FROM providers_provider WHERE is_paused").fetchall()[0][0]
        )


def test_every_order_of_the_demos_past_is_in_its_reports(demo: Desk) -> None:
    with psycopg.connect(Postgres(demo.home).url, autocommit=True) as connection:
        booked = "SELECT sum(charged) FROM reports_total WHERE kind = 0 AND span = 1 HAVING sum(orders) >= 3600"
        [charged] = until(connection.execute(booked).fetchone, "the worker has booked every order")
        assert charged >= 1_000
        assert list(books_check.check(connection)) == []


def test_a_signal_may_come_at_any_moment_of_the_wait_for_it() -> None:
    """The signal handler runs between any two lines of `wait`. So `set` must not need a lock that `wait` may hold."""
    moment, lines = 0, 1
    while moment < lines:
        moment, lines = moment + 1, 0
        stop = supervisor.StopFlag()

        def between_lines(_frame: object, _event: str, _argument: object) -> Any:
            nonlocal lines
            lines += 1
            if lines == moment:  # noqa: B023 - of this very turn
                stop.set()  # noqa: B023
            return between_lines

        sys.settrace(between_lines)
        stop.wait(0.001)
        sys.settrace(None)
        assert stop.wait(0)
    assert moment > 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything(home: Path, number: signal.Signals) -> None:
    desk = start(home, "--demo", "--workers", "2")
    assert stop_desk(desk, by=number) == 0
    until_stopped(home)
    with pytest.raises(httpx2.ConnectError):
        asking.get(desk.url)


def test_requests_in_flight_are_answered_before_the_end_and_there_after_the_next_start(home: Path) -> None:
    desk = start(home, "--demo")
    key = read_demo(desk)["accounts"][0]["key"]  # type: ignore[index]
    order = {"key": key, "action": "add", "service": 1, "link": "https://pixelpond.example/d", "quantity": 10}
    answers: list[tuple[int, str]] = []
    started = threading.Event()

    def keep_ordering() -> None:
        with asking.Session() as client:
            while True:
                try:
                    response = client.post(desk.api_url, data=order)
                except httpx2.TransportError:
                    return  # the connection was closed between two requests, or refused
                answers.append((response.status_code, response.text))
                started.set()

    threads = [threading.Thread(target=keep_ordering) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert started.wait(HANG_SECONDS)
    assert stop_desk(desk) == 0
    for thread in threads:
        thread.join(HANG_SECONDS)
        assert not thread.is_alive()
    assert {status for status, _ in answers} <= {200, 503}
    acknowledged = [json.loads(text)["order"] for status, text in answers if status == 200]
    again = start(home, "--demo")
    for number in acknowledged:
        assert "status" in call(again, 0, "status", order=number)  # type: ignore[operator]
    assert stop_desk(again) == 0


def children_of(desk: Desk) -> set[int]:
    """Return the processes that a desk's supervisor has started."""
    return set(map(int, Path(f"/proc/{desk.process.pid}/task/{desk.process.pid}/children").read_text().split()))


def test_a_process_that_dies_is_started_again(demo: Desk) -> None:
    children = children_of(demo)
    for child in children:
        os.kill(child, signal.SIGKILL)
    until(lambda: not children & children_of(demo), "the supervisor has seen that they died")
    until(lambda: len(children_of(demo)) == len(children), "as many are there again")
    assert call(demo, 1, "balance") == {"balance": "1.00", "currency": "USD"}


def test_nobody_keeps_the_port_when_the_supervisor_is_killed(home: Path) -> None:
    desk = start(home, "--demo")
    kill_desk(desk)

    def is_refused() -> bool:
        try:
            asking.get(desk.url)
        except httpx2.TransportError:
            return True
        return False

    until(is_refused, "the servers have gone with their supervisor")
    adopted = start(home, "--demo")  # with the database that was left running
    assert call(adopted, 1, "balance") == {"balance": "1.00", "currency": "USD"}
    assert stop_desk(adopted) == 0


def fail_to_start(*arguments: str, **environ: str) -> str:
    """Start a desk that can't run. Return the one line that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tradepost.cli", "up", *(arguments or ("--port", "0"))],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_taken_port_is_said_in_a_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 can't be used" in fail_to_start("--port", port)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "can't be reached"),
        ("mysql://root@localhost/x", "must begin with postgresql://"),
    ],
)
def test_an_unreachable_database_is_said_in_a_line(url: str, words: str) -> None:
    assert words in fail_to_start(DATABASE_URL=url)


def test_a_home_that_cannot_be_written_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert "can't be written" in fail_to_start(DATABASE_URL="", TRADEPOST_HOME=str(tmp_path / "file" / "home"))
    assert "can't be written" in fail_to_start(TRADEPOST_HOME=str(tmp_path / "file" / "home"))


def test_data_of_another_postgresql_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    assert "is of PostgreSQL 12" in fail_to_start(DATABASE_URL="", TRADEPOST_HOME=str(tmp_path))


def test_a_database_of_a_newer_tradepost_is_said_in_a_line(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('orders', '9999_later', now())")
    connection.commit()
    try:
        assert "made by a newer Tradepost (it has orders.9999_later)" in fail_to_start()
    finally:
        connection.execute("DELETE FROM django_migrations WHERE name = '9999_later'")
        connection.commit()


BEFORE_THE_FIRST_RELEASE = {
    "accounts": "0001_initial 0002_retries 0003_request_limits 0004_test_accounts 0005_preferences "
    "0006_verified_addresses 0007_staff_records 0008_staff_records_stay 0009_manage_staff",
    "catalog": "0001_initial 0002_version 0003_refills 0004_providers 0005_quarantine 0006_favourites_and_changes "
    "0007_price_lists 0008_uploads",
    "ledger": "0001_initial 0002_rules 0003_play_money 0004_manual_payments 0005_payments_stay 0006_transfers_by_kind",
    "live": "0001_initial 0002_rules",
    "orders": "0001_initial 0002_refills 0003_retries 0004_parts 0005_upstream 0006_mass_orders 0007_back_office "
    "0008_cost_expected 0009_states_of_attempts",
    "providers": "0001_initial 0002_costs",
    "reports": "0001_initial 0002_heads 0003_units",
    "staff": "0001_initial 0002_rules 0003_groups_before_roles",
}


@pytest.fixture
def old_database() -> Iterator[str]:
    """Make a database with the migrations from before the first release recorded. Return its address."""
    url = os.environ["DATABASE_URL"].replace("/tradepost?", "/old?")
    superuser_url = Postgres(Path(os.environ["TRADEPOST_HOME"]), environment.postgres_bin()).superuser_url
    with psycopg.connect(superuser_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE old OWNER {OWNER}")
        with psycopg.connect(url) as old:
            old.execute(
                "CREATE TABLE django_migrations (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
                " app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)"
            )
            for app, names in BEFORE_THE_FIRST_RELEASE.items():
                old.execute(
                    "INSERT INTO django_migrations (app, name, applied) SELECT %s, unnest(%s::text[]), now()",
                    [app, names.split()],
                )
        yield url
        server.execute("DROP DATABASE old WITH (FORCE)")


def test_a_database_from_before_the_first_release_is_said_in_a_line(old_database: str, tmp_path: Path) -> None:
    line = fail_to_start(DATABASE_URL=old_database, TRADEPOST_HOME=str(tmp_path))
    assert "made before Tradepost's first release, and its schema can't be brought up to date" in line
    assert "make a new, empty database and name it in DATABASE_URL" in line
    assert f"remove the folder {os.environ['TRADEPOST_HOME']}/postgres " in fail_to_start(DATABASE_URL=old_database)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRADEPOST_CURRENCY", "dollars"),
        ("TRADEPOST_URL", "panel.example"),
        ("TRADEPOST_REQUESTS_A_MINUTE", "many"),
        ("TRADEPOST_REQUESTS_A_MINUTE", "-1"),
        ("TRADEPOST_REQUESTS_A_MINUTE", "1000001"),
        ("TRADEPOST_SIMULATOR_SECONDS", "soon"),
        ("TRADEPOST_METRICS_TOKEN", "too-short"),
        ("TRADEPOST_PRIVATE_ADDRESSES", "perhaps"),
        ("TRADEPOST_ADMIN_NETWORKS", "203.0.113.7/24"),
    ],
)
def test_a_setting_that_cannot_be_right_is_said_in_a_line(name: str, value: str) -> None:
    assert name in fail_to_start(**{name: value})


def test_two_desks_never_share_a_home(demo: Desk) -> None:
    line = fail_to_start(DATABASE_URL="", TRADEPOST_HOME=str(demo.home))
    assert f"Another Tradepost (process {demo.process.pid}) is using" in line
