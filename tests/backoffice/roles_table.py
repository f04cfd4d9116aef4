"""The tables of `docs/roles.md` as data: a cell for each role and each list, page, button or action."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROLES = ("owner", "manager", "support", "fulfiller")
TEXT = (Path(__file__).parent.parent.parent / "docs" / "roles.md").read_text()
_ROW = re.compile(r"\| [^|`]+ \| `([^`]+)` \| (.+) \|")


class Cell(NamedTuple):
    """What a role may do with a list (by its name in admin URLs), a page (by its URL name), or an action."""

    role: str
    name: str
    may: frozenset[str]


def cells(heading: str) -> Iterator[Cell]:
    """Return the cells of the table below a heading."""
    table = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for name, told in _ROW.findall(table):
        for role, may in zip(ROLES, told.split(" | "), strict=True):
            yield Cell(role, name, frozenset() if may == "–" else frozenset(may.split(", ")))


LISTS = tuple(cells("Lists and their pages"))
PAGES = tuple(cells("Other pages and buttons"))
ACTIONS = tuple(cells("Actions on what is ticked"))
