"""The fake panel itself: the same seed gives the same faults, and the panel can run as a process."""

import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import ORDER, QUICK
from testkit.upstream.faults import Fault, Faults
from testkit.upstream.panel import Panel
from testkit.upstream.server import Upstream
from tests import asking
from tradepost_client import Client, Status

ROOT = Path(__file__).parent.parent.parent


def test_the_same_seed_gives_the_same_faults() -> None:
    drawn = [[Faults.of_every_kind(0.2, seed=seed).next("add") for _ in range(1)] for seed in range(50)]
    assert drawn == [[Faults.of_every_kind(0.2, seed=seed).next("add") for _ in range(1)] for seed in range(50)]
    faults = Faults.of_every_kind(0.2, seed=1, actions={"add"})
    counted = Counter(faults.next("add") for _ in range(10_000))
    assert counted.keys() == {None, *Fault}
    assert 0.18 < 1 - counted[None] / 10_000 < 0.22
    assert faults.next("status") is None


def test_many_may_order_at_once_and_each_order_is_kept_once() -> None:
    with Upstream(Panel(takes_idempotency_keys=True)) as upstream:

        def order(_: int) -> None:
            with Client(upstream.url, upstream.panel.key, retry=QUICK) as client:
                for _ in range(25):
                    client.add(ORDER)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(order, range(8)))
        assert [order.order for order in upstream.panel.accepted] == list(range(1, 201))


def test_what_befell_an_order_s_answer_is_kept_with_it() -> None:
    with Upstream() as upstream, Client(upstream.url, upstream.panel.key) as client:
        upstream.faults.script(Fault.BOM, None)
        client.add(ORDER)
        client.add(ORDER)
        assert [order.fault for order in upstream.panel.accepted] == [Fault.BOM, None]


def test_orders_move_on_to_their_ends() -> None:
    panel = Panel(seed=3)
    with Upstream(panel) as upstream, Client(upstream.url, panel.key) as client:
        for _ in range(50):
            client.add(ORDER)
        panel.advance_all()
        assert client.status(1).status is Status.IN_PROGRESS
        panel.advance_all()
        ends = Counter(order.status for order in panel.accepted)
        assert ends.keys() == {"Completed", "Partial", "Canceled"}


def test_it_runs_as_a_process() -> None:
    command = [sys.executable, "-m", "testkit.upstream.server", "--idempotency", "--advance-seconds", "0.05"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        words = process.stdout.readline().split()
        try:
            with Client(words[5], words[7], retry=QUICK) as client:
                orders = {client.add(ORDER, idempotency_key="mine").order for _ in range(2)}
            records = asking.get(words[5].replace("/api/v2", "/records")).json()
        finally:
            process.send_signal(signal.SIGKILL)
    assert orders == {1}
    assert [record["idempotency_key"] for record in records] == ["mine"]
