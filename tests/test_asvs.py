"""docs/asvs.md answers every requirement of OWASP ASVS 5.0, levels 1 and 2, once, and says where to look."""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "asvs.md"
REQUIREMENTS = [line.split()[0] for line in (ROOT / "tests" / "asvs_requirements.txt").read_text().splitlines()]
ANSWERS = ("met", "not met", "n/a")

_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_ROW_START = re.compile(r"^\| ?\d", re.MULTILINE)
_TEST = re.compile(r"`(tests/[^`]+)`")
_PLACE = re.compile(r"`[\w./*-]+/[\w./*-]*`|`[\w./*-]+\.\w+`|\]\(\S+\)|\b[Dd]ecisions? \d+")


class Answer(NamedTuple):
    """A line of the document."""

    requirement: str
    asks: str
    answer: str
    why: str


def answers_in(document: str) -> list[Answer]:
    return [Answer(*row) for row in _ROW.findall(document)]


def mistakes_in(document: str) -> list[str]:
    """Return what is wrong with the lines of a document, a sentence each."""
    answers = answers_in(document)
    counts = Counter(each.requirement for each in answers)
    found = [f"{each} has {counts[each]} lines" for each in REQUIREMENTS if counts[each] != 1]
    found += [f"{each} is no requirement of level 1 or 2" for each in counts if each not in REQUIREMENTS]
    if len(_ROW_START.findall(document)) != len(answers):
        found.append("a line has not four columns")
    for each in answers:
        if each.answer not in ANSWERS:
            found.append(f"{each.requirement}: {each.answer!r} is no answer")
        if each.answer == "met" and not _PLACE.search(each.why):
            found.append(f"{each.requirement} names no test, place or decision")
        found += [f"{each.requirement}: no {path}" for path in _TEST.findall(each.why) if not any(ROOT.glob(path))]
    return found


def test_every_requirement_is_answered_once_by_what_exists() -> None:
    assert len(REQUIREMENTS) == len(set(REQUIREMENTS)) == 253
    assert not mistakes_in(DOCUMENT.read_text())


def test_the_sum_at_the_top_is_that_of_the_lines() -> None:
    text = DOCUMENT.read_text()
    counts = Counter(each.answer for each in answers_in(text))
    met, not_met, other = (counts[answer] for answer in ANSWERS)
    assert f"**{met} are met, {not_met} are not met, {other} do not apply.**" in text


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("| 1.1.1 | Twice | met | `tests/test_asvs.py` |", "1.1.1 has 2 lines"),
        ("| 1.2.10 | Level 3 | met | `tests/test_asvs.py` |", "1.2.10 is no requirement of level 1 or 2"),
        ("| 1.1.2 | A word of its own | perhaps | `tests/test_asvs.py` |", "1.1.2: 'perhaps' is no answer"),
        ("| 1.1.2 | No evidence | met | Believe us. |", "1.1.2 names no test, place or decision"),
        ("| 1.1.2 | A test that was renamed | met | `tests/nowhere.py` |", "1.1.2: no tests/nowhere.py"),
        ("| 1.1.2 | met | `tests/test_asvs.py` |", "a line has not four columns"),
        ("|1.1.2 | No blank | met | `tests/test_asvs.py` |", "a line has not four columns"),
    ],
)
def test_a_line_that_says_nothing_or_the_wrong_thing_is_found(line: str, mistake: str) -> None:
    assert mistake in mistakes_in(f"| 1.1.1 | Decode once | met | `tests/test_asvs.py` |\n{line}\n")
