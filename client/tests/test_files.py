"""A file of orders: a run may stop anywhere and start again, and places no row twice by itself."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conftest import LINK
from running import Run, lines, runner
from testkit.upstream.faults import Fault, Faults
from testkit.upstream.panel import KEY, Panel
from testkit.upstream.server import Upstream
from tests.waiting import HANG_SECONDS, until


@pytest.fixture
def run(upstream: Upstream) -> Run:
    """Run the command against the panel."""
    return runner(upstream)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of three orders."""
    return write_orders(tmp_path / "orders.csv", 3)


def write_orders(path: Path, count: int) -> Path:
    """Write a file of orders, each with its own link."""
    rows = "".join(f"1,Default,{LINK}/{number},100,\n" for number in range(1, count + 1))
    path.write_text("\ufeffservice,type,link,quantity,runs\n" + rows)
    return path


def journal(file: Path) -> list[dict[str, Any]]:
    """Return the journal's lines."""
    return [json.loads(line) for line in Path(f"{file}.results.jsonl").read_text().splitlines()]


def links(upstream: Upstream) -> Counter[str]:
    """Count the orders that the panel accepted, by the last part of their link."""
    return Counter(order.parameters["link"].rpartition("/")[2] for order in upstream.panel.accepted)


def test_all_rows_are_ordered_once_and_never_again(run: Run, upstream: Upstream, file: Path) -> None:
    assert "3 placed, 0 refused, 0 not sent, 0 ambiguous" in run("order", "--file", str(file)).stdout
    assert [entry["state"] for entry in journal(file)] == ["sending", "placed"] * 3
    assert [entry["order"] for entry in journal(file) if "order" in entry] == [1, 2, 3]
    assert "3 placed" in run("order", "--file", str(file)).stdout
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}
    assert "runs" not in upstream.panel.orders[1].parameters


def test_objects_a_line_are_read_too(run: Run, upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(
        '{"service":1,"link":"l","comments":["a","b"],"type":"Custom Comments"}\n\n'
        '{"service":1,"link":"l","quantity":50,"runs":null}\n'
    )
    upstream.panel.offers[1].min = 1
    assert [entry["state"] for entry in lines(run("order", "--file", str(file), "--json"))] == ["placed", "placed"]
    assert upstream.panel.orders[1].parameters["comments"] == "a\nb"


SAVED = {
    "other panels": f"1|100|{LINK}/1\n1|250|{LINK}/2|\n",
    "ours": f"1 | {LINK}/1 | 100\n1 | {LINK}/2 | 250\n",
    "tabs": f"1\t{LINK}/1\t100\n1\t{LINK}/2\t250",
    "blanks": f"1 100 {LINK}/1\n1   250 {LINK}/2\n",
    "semicolons": f"\n1;100;{LINK}/1\r\n\r\n1;250;{LINK}/2",
    "commas and quotes": f'"1","100","{LINK}/1"\n"1","250","{LINK}/2"',
    "sep=": f"sep=;\nservice;link;quantity\n1;{LINK}/1;100\n1;{LINK}/2;250\n",
    "names in any case": f"Service ID;URL;Quantity\n1;{LINK}/1;100\n1;{LINK}/2;250\n",
    "numbers of a spreadsheet": f'id,link,quantity\n1,{LINK}/1,100.0\n1,{LINK}/2,"250"\n',
    "a link with commas": f"1|100|{LINK}/@1,2,3,4/1\n1|250|{LINK}/2",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", SAVED.values(), ids=SAVED)
def test_a_file_is_read_as_programs_and_people_write_it(
    run: Run, upstream: Upstream, tmp_path: Path, text: str, encoding: str
) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(text.encode(encoding))
    for _ in range(2):
        assert "2 placed" in run("order", "--file", str(file)).stdout
    sent = [order.parameters for order in upstream.panel.accepted]
    assert [(each["link"][-2:], each["quantity"]) for each in sent] == [("/1", "100"), ("/2", "250")]


def test_a_file_in_the_encoding_of_windows_is_read(run: Run, upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes(f"service;link;comments\n1;{LINK};Qué señal\n".encode("cp1252"))
    upstream.panel.offers[1].min = 1
    run("order", "--file", str(file), code=None)
    assert upstream.seen
    file.write_bytes(f"service;link;comments\n1;{LINK};Хороший канал\n".encode("cp1251"))
    assert "save it as UTF-8" in run("order", "--file", str(file), code=2).stderr


def test_an_ambiguous_row_is_sent_again_only_when_told_to(run: Run, upstream: Upstream, file: Path) -> None:
    upstream.faults.script(None, Fault.RESET_BEFORE, None)
    first = run("order", "--file", str(file), code=3)
    assert "2 placed, 0 refused, 0 not sent, 1 ambiguous" in first.stdout
    assert "row 2: ambiguous: connection lost" in first.stderr
    run("order", "--file", str(file), code=3)
    assert links(upstream) == {"1": 1, "3": 1}
    assert "3 placed" in run("order", "--file", str(file), "--resend-ambiguous").stdout
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_a_row_sent_again_and_refused_stays_ambiguous(run: Run, upstream: Upstream, file: Path) -> None:
    upstream.faults.script(Fault.RESET_AFTER)
    run("order", "--file", str(file), code=3)
    upstream.panel.balance -= upstream.panel.balance
    result = run("order", "--file", str(file), "--resend-ambiguous", code=3)
    assert "row 1: ambiguous: sent again: Not enough funds on balance" in result.stderr
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_where_keys_are_taken_a_run_again_can_t_order_twice(run: Run, upstream: Upstream, file: Path) -> None:
    upstream.panel = Panel(takes_idempotency_keys=True)
    upstream.faults.script(Fault.RESET_AFTER, Fault.TRUNCATED, Fault.EMPTY_AFTER)
    run("order", "--file", str(file), code=3)
    assert "3 placed" in run("--idempotency", "order", "--file", str(file)).stdout
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}
    Path(f"{file}.results.jsonl").unlink()
    assert "3 placed" in run("order", "--file", str(file)).stdout
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_a_refused_row_may_be_mended_and_is_tried_again(run: Run, upstream: Upstream, file: Path) -> None:
    file.write_text(file.read_text().replace("/2,100", "/2,1"))
    assert "row 2: refused: Quantity less than minimal 10" in run("order", "--file", str(file), code=1).stderr
    file.write_text(file.read_text().replace("/2,1,", "/2,10,"))
    run("order", "--file", str(file))
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_a_file_that_became_another_is_not_ordered(run: Run, upstream: Upstream, file: Path) -> None:
    run("order", "--file", str(file))
    file.write_text(file.read_text().replace("/3,", "/4,") + f"1,Default,{LINK}/5,100,\n")
    assert "row 3 was another order" in run("order", "--file", str(file), code=2).stderr
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_a_panel_that_can_t_be_reached_ends_the_run(run: Run, upstream: Upstream, file: Path) -> None:
    away = {"TRADEPOST_CLIENT_URL": "http://no-such-host.invalid"}
    assert "0 placed, 0 refused, 3 not sent" in run("order", "--file", str(file), code=1, **away).stdout
    assert len(journal(file)) == 2
    run("order", "--file", str(file))
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("service,link\n1,l,extra\n", "row 1 is no order"),
        ("link\nl\n", "row 1: an order needs a service"),
        ("service,type,link\n1,Poll,l\n", "row 1: Poll needs quantity, answer_number"),
        ('service,link\n1,"l\n', "can't be read"),
        ("1|100\n", "row 1 has not three columns"),
        ("1|100|l\n1|l|100\n", "the columns are not the same in all rows"),
        ("service,link,quantity\n1,l,1.000\n", "the quantity 1.000 may mean 1 or 1000"),
        ("1,1,500,l\n", "row 1 has not three columns"),
    ],
)
def test_a_file_with_a_mistake_is_not_begun(run: Run, upstream: Upstream, file: Path, text: str, message: str) -> None:
    file.write_text(text)
    assert message in run("order", "--file", str(file), code=2).stderr
    assert upstream.seen == []


def test_two_runs_of_a_file_at_once_are_one(run: Run, upstream: Upstream, file: Path) -> None:
    with Path(f"{file}.results.jsonl").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "by another run" in run("order", "--file", str(file), code=2).stderr
    assert upstream.seen == []


def test_a_journal_that_is_something_else_is_left_alone(run: Run, upstream: Upstream, file: Path) -> None:
    other = Path(f"{file}.results.jsonl")
    other.write_text('{"my":"notes"}\n')
    assert "is no journal" in run("order", "--file", str(file), code=2).stderr
    assert other.read_text() == '{"my":"notes"}\n'
    assert upstream.seen == []


def test_killed_amid_a_row_it_is_ambiguous_and_the_rest_is_ordered(run: Run, upstream: Upstream, file: Path) -> None:
    upstream.faults.script(None, Fault.DELAY)
    upstream.delay_seconds = 2 * HANG_SECONDS
    command = [sys.executable, "-c", "from tradepost_client._cli import main; main()", "order", "--file", str(file)]
    environ = {**os.environ, "TRADEPOST_CLIENT_URL": upstream.url, "TRADEPOST_CLIENT_KEY": KEY}
    process = subprocess.Popen([*command, "--json"], env=environ, stdout=subprocess.PIPE)
    assert process.stdout
    with process:
        process.stdout.readline()
        until(lambda: len(upstream.seen) == 2, "the second row is sent")
        process.send_signal(signal.SIGKILL)
    with Path(f"{file}.results.jsonl").open("a") as cut_off:
        cut_off.write('{"row":2,"dig')
    result = run("order", "--file", str(file), code=3)
    assert "row 2: sending: cut off while it was sent" in result.stderr
    assert links(upstream) == {"1": 1, "2": 1, "3": 1}


def test_through_a_storm_of_faults_no_row_is_placed_twice(run: Run, upstream: Upstream, tmp_path: Path) -> None:
    upstream.panel = Panel(takes_idempotency_keys=True)
    upstream.faults = Faults.of_every_kind(0.3, seed=5, but={Fault.WRONG_ID, Fault.DELAY})
    file = write_orders(tmp_path / "many.csv", 60)
    for _ in range(20):
        if "60 placed" in run("order", "--file", str(file), "--resend-ambiguous", code=None).stdout:
            break
    assert set(links(upstream).values()) == {1}
    assert len(upstream.panel.accepted) == 60
