"""The protocol as data: plays every case of every `.http` file in this folder to a running desk."""

from pathlib import Path

import pytest

from tests.conftest import Desk
from tests.wire import case_files, player
from tests.wire.case_files import Case
from tests.wire.stage import Stage

CASES = [case for file in sorted(Path(__file__).parent.glob("*.http")) for case in case_files.read(file)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.rule.rpartition(" (")[0]) for case in CASES])
def test_the_wire(case: Case, desk: Desk, stage: Stage) -> None:
    player.play(case, desk.url, stage)
