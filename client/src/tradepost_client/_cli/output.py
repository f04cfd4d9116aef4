"""Tables for people and JSON for programs. What a panel sends is text, never markup or a terminal's commands."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradepost_client import (
    CancelAccepted,
    Declined,
    Id,
    Refill,
    RefillStanding,
    Service,
    Standing,
    Unreadable,
)

out = Console()
err = Console(stderr=True)


def complain(text: str) -> None:
    """Say on stderr, in a line, what is wrong."""
    err.print(Text(f"tradepost-client: {plain(text)}", style="red"), soft_wrap=True)


def as_json(value: object) -> None:
    """Print a line of JSON; amounts are strings, so that no reader rounds them."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Print a line."""
    out.print(Text(plain(text)), soft_wrap=True)


def plain(text: str) -> str:
    """Return a text without what a terminal would obey."""
    return "".join(each if each.isprintable() else " " for each in text)


@contextmanager
def in_place() -> Iterator[Callable[[Table], None]]:
    """Return what prints a table: on a terminal over the one before, else below it."""
    if not out.is_terminal:
        yield out.print
        return
    with Live(console=out, auto_refresh=False) as live:
        yield lambda table: live.update(table, refresh=True)


def services(found: Iterable[Service]) -> Table:
    """Make the table of what is on sale; r, c and d are refill, cancel and drip-feed."""
    rows = (
        (
            each.service, each.name, each.type, each.category, each.rate, each.min, each.max,
            "".join(letter for letter, has in (("r", each.refill), ("c", each.cancel), ("d", each.dripfeed)) if has),
        )
        for each in found
    )  # fmt: skip
    return _table(("service", "name", "type", "category", "rate", "min", "max", "rcd"), rows)


def standings(found: Mapping[Id, object]) -> Table:
    """Make the table of how orders stand."""
    columns = ("order", "status", "charge", "start count", "remains")
    return _table(columns, ((id_, *_standing(each)) for id_, each in found.items()))


def outcomes(found: Mapping[Id, object]) -> Table:
    """Make the table of what became of each id."""
    return _table(("id", "answer"), ((id_, _answer(each)) for id_, each in found.items()))


def _standing(each: object) -> tuple[object, ...]:
    if not isinstance(each, Standing):
        return (_answer(each), "", "", "")
    charge = "" if each.charge is None else f"{each.charge} {each.currency}".rstrip()
    return (each.status or each.raw_status, charge, each.start_count, each.remains)


def _answer(each: object) -> str:
    match each:
        case Declined(error=error):
            return f"refused: {error}"
        case Unreadable(raw=raw):
            return f"no sense in: {raw}" if raw else "left out of the answer"
        case Refill(refill=refill):
            return f"refill {refill}"
        case RefillStanding(status=status, raw_status=raw):
            return status or raw
        case CancelAccepted():
            return "accepted"
        case _:
            return str(each)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Table:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else plain(str(value))
