"""An upstream that keeps failing and workers that keep dying: nothing is ordered twice, nothing forgotten.

`scripts/bench faults` is the same at length.
"""

import subprocess
import sys

import pytest

from tests.waiting import HANG_SECONDS

SECONDS_MAX = 5 * HANG_SECONDS  # for everything together
RUN = """
import sys
from testkit.dispatch import fault_run

print(fault_run.run(orders=int(sys.argv[1]), seed=int(sys.argv[2]), kills=int(sys.argv[3]), workers=int(sys.argv[4]),
                    seconds_max=float(sys.argv[6]), say=print, trusts_keys=sys.argv[5] == "trusting"))
"""


def verdict(*, orders: int, seed: int, kills: int, workers: int = 1, trusts_keys: bool = False) -> dict[str, int]:
    """Run the scenario in a process and database of its own. Return its final counts."""
    counts = [str(number) for number in (orders, seed, kills, workers)]
    return _counts([sys.executable, "-c", RUN, *counts, "trusting" if trusts_keys else "careful", str(SECONDS_MAX)])


def _counts(command: list[str]) -> dict[str, int]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.splitlines()[-1].split()
    return {name: int(count) for name, count in zip(words[::2], words[1::2], strict=True)}


REFUSALS = """
import sys
from testkit.dispatch import refusal_run

print(refusal_run.run(orders=int(sys.argv[1]), seed=7, seconds_max=float(sys.argv[2]), say=print))
"""


@pytest.mark.parametrize("workers", [1, 4])
def test_through_faults_and_kills_no_order_is_doubled_forgotten_or_refunded_wrongly(workers: int) -> None:
    counted = verdict(orders=250, seed=7, kills=3, workers=workers)
    assert counted.pop("unsure") > 0
    assert counted == {"doubled": 0, "forgotten": 0, "wrong-refunds": 0}


def test_what_is_unsure_sent_again_is_doubled() -> None:
    """The control: the same run by a desk that sends unsure orders again."""
    assert verdict(orders=200, seed=7, kills=1, trusts_keys=True)["doubled"] > 0


def test_no_order_is_canceled_or_lost_for_refusals_that_are_none_of_its_business() -> None:
    """The bench says, too, whether an order waited too long: that depends on the machine."""
    counted = _counts([sys.executable, "-c", REFUSALS, "80", str(SECONDS_MAX)])
    counted.pop("starved")
    assert counted == {"doubled": 0, "forgotten": 0, "wrong-refunds": 0, "unsure": 0, "canceled-without-cause": 0}
