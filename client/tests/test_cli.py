"""The command: tables for people, JSON for programs, and an exit code that separates refused from ambiguous."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from conftest import LINK
from running import Run, lines, runner
from testkit.upstream.faults import Fault
from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Reply, Upstream


@pytest.fixture
def run(upstream: Upstream) -> Run:
    """Run the command against the panel."""
    return runner(upstream)


def test_services_are_searched_and_shown(run: Run, upstream: Upstream) -> None:
    upstream.panel = Panel([Offer(1), Offer(2, name="Likes [bold]\x1b[31m", type="Poll")])
    assert "Pixelpond Followers" in run("services").stdout
    table = run("services", "POLL").stdout
    assert "Likes [bold] [31m" in table
    assert "Followers" not in table
    (services,) = lines(run("services", "poll", "--json"))
    assert [(service["service"], service["rate"]) for service in services] == [(2, "0.90")]


def test_the_balance_is_a_line(run: Run) -> None:
    assert run("balance").stdout == "1000000 USD\n"
    assert lines(run("balance", "--json")) == [{"balance": "1000000", "currency": "USD"}]


def test_an_order_is_placed_by_its_parameters(run: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.panel = Panel([Offer(1), Offer(2, type="Custom Comments")])
    assert run("order", "1", f"link={LINK}?a=b", "quantity=100").stdout == "Order 1\n"
    (tmp_path / "comments.txt").write_text("good\n:)\n")
    run(
        "order", "2", f"link={LINK}", "--lines", f"comments={tmp_path}/comments.txt", "--type", "custom comments",
        "--idempotency-key", "mine", "--json",
    )  # fmt: skip
    assert upstream.panel.orders[1].parameters["link"] == f"{LINK}?a=b"
    assert upstream.panel.orders[2].parameters["comments"] == "good\n:)"
    assert upstream.panel.orders[2].parameters["idempotency_key"] == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["order"], "needs a service"),
        (["order", "1", "link"], "link is no name=value"),
        (["order", "1", "link=l", "--type", "Poll"], "Poll needs quantity, answer_number"),
        (["order", "1", "link=l", "speed=9", "--type", "Package"], "Package does not take speed"),
        (["order", "1", "--type", "Pol"], "there is no type Pol"),
        (["order", "1", "key=k"], "an order can't set key"),
        (["order", "1", "--lines", "comments=/nowhere"], "/nowhere can't be read"),
        (["order", "1", "--file", "orders.csv"], "the services are in the file"),
        (["order", "--file", "/nowhere.csv"], "/nowhere.csv can't be read"),
        (["status", ","], "is no id"),
        (["status"], "Missing argument"),
    ],
)
def test_wrong_usage_is_said_in_a_line_and_nothing_is_sent(
    run: Run, upstream: Upstream, arguments: list[str], message: str
) -> None:
    assert message in run(*arguments, code=2).stderr
    assert upstream.seen == []


def test_without_a_panel_or_a_key_the_way_to_give_them_is_said(run: Run) -> None:
    assert "set TRADEPOST_CLIENT_URL" in run("balance", code=2, TRADEPOST_CLIENT_KEY="").stderr
    assert "begins with http" in run("balance", code=2, TRADEPOST_CLIENT_URL="panel.example").stderr
    assert "read command lines" in " ".join(run("--help").stdout.replace("│", "").split())


def test_a_refusal_ends_with_1(run: Run) -> None:
    assert "refused: Incorrect service ID" in run("order", "9", "link=l", "quantity=1", code=1).stderr
    assert "refused: Incorrect order ID" in run("status", "9", code=1).stderr
    assert "not sent" in run("balance", code=1, TRADEPOST_CLIENT_URL="http://no-such-host.invalid").stderr


def test_an_ambiguous_order_ends_with_3_and_is_sent_once(run: Run, upstream: Upstream) -> None:
    upstream.faults.script(Fault.RESET_AFTER)
    assert "look first" in run("order", "1", f"link={LINK}", "quantity=100", code=3).stderr
    assert len(upstream.panel.accepted) == 1


def test_with_idempotency_it_is_asked_again(run: Run, upstream: Upstream) -> None:
    upstream.panel = Panel(takes_idempotency_keys=True)
    upstream.faults.script(Fault.RESET_AFTER)
    assert run("--idempotency", "order", "1", f"link={LINK}", "quantity=100").stdout == "Order 1\n"
    assert len(upstream.seen) == 2


def test_orders_are_watched_until_all_are_over(run: Run, upstream: Upstream) -> None:
    for _ in range(2):
        run("order", "1", f"link={LINK}", "quantity=100")
    assert "Pending" in run("status", "1", "2").stdout
    done = {"status": "Completed", "charge": "0.09", "remains": 0}
    half = {"1": done, "2": {**done, "status": "In progress", "remains": 50}}
    upstream.canned = [Reply(msgspec.json.encode(half)), Reply(msgspec.json.encode({"1": done, "2": done}))]
    polls = lines(run("status", "1", "2", "--watch", "--interval-seconds", "0.1", "--json"))
    assert [poll["2"]["status"] for poll in polls] == ["In progress", "Completed"]
    upstream.canned = [Reply(msgspec.json.encode({"1": done}))]
    assert "Completed" in run("status", "1", "--watch").stdout


@pytest.mark.parametrize("ids", [["7"], ["7", "7"]])
@pytest.mark.parametrize("command", ["status", "refill", "refill-status"])
def test_a_single_id_is_asked_for_by_itself(run: Run, upstream: Upstream, command: str, ids: list[str]) -> None:
    run(command, *ids, code=1)
    name = "refill" if command == "refill-status" else "order"
    assert upstream.seen[-1].parameters[name] == "7"
    assert f"{name}s" not in upstream.seen[-1].parameters


@pytest.mark.parametrize("last", ["Pending", "Incorrect order ID"])
def test_the_last_id_of_many_is_asked_for_by_itself_too(run: Run, upstream: Upstream, last: str) -> None:
    for _ in range(1 if last == "Pending" else 0):
        run("order", "1", f"link={LINK}", "quantity=100")
    ids = [str(number) for number in range(101, 1, -1)] + ["1"]
    statuses = [seen.parameters for seen in upstream.asked("status")]
    (results,) = lines(run("status", *ids, "--json", code=1))
    assert last in str(results["1"])
    first, second = [seen.parameters for seen in upstream.asked("status")][len(statuses) :]
    assert (len(first["orders"].split(",")), second["order"]) == (100, "1")


def test_refills_and_cancels_show_what_became_of_each(run: Run, upstream: Upstream) -> None:
    for _ in range(3):
        run("order", "1", f"link={LINK}", "quantity=100")
    upstream.panel.advance(1, "Completed")
    assert "refill 1" in run("refill", "1").stdout
    assert "Incorrect order ID" in run("refill", "1", "9", code=1).stdout
    assert "Pending" in run("refill-status", "1").stdout
    assert "Refill not found" in run("refill-status", "1", "9", code=1).stdout
    assert "accepted" in run("cancel", "2").stdout
    assert lines(run("cancel", "3", "9", "--json", code=1)) == [{"3": {}, "9": {"error": "Incorrect order ID"}}]


def test_an_id_that_is_left_out_ends_with_3(run: Run, upstream: Upstream) -> None:
    upstream.canned = [Reply(b'[{"order":1,"cancel":1}]')]
    assert "left out" in run("cancel", "1", "2", code=3).stdout


def test_without_its_extra_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from tradepost_client._cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'tradepost-client[cli]'" in done.stderr
