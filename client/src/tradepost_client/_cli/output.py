"""Tables for people and JSON for programs. A panel's text is printed as text, never as markup or terminal commands."""

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


def print_error(text: str) -> None:
    """Print one line on stderr."""
    err.print(Text(f"tradepost-client: {plain(text)}", style="red"), soft_wrap=True)


def print_json(value: object) -> None:
    """Print a line of JSON. Amounts are strings, so that no program rounds them."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    out.print(Text(plain(text)), soft_wrap=True)


def plain(text: str) -> str:
    """Return a text without control characters, which a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


@contextmanager
def table_printer() -> Iterator[Callable[[Table], None]]:
    """Return a function that prints tables. On a terminal, each table replaces the one before."""
    if not out.is_terminal:
        yield out.print
        return
    with Live(console=out, auto_refresh=False) as live:
        yield lambda table: live.update(table, refresh=True)


def services_table(services: Iterable[Service]) -> Table:
    """Return a table of services. In the last column r, c and d stand for refill, cancel and drip-feed."""
    rows = (
        (
            service.service, service.name, service.type, service.category, service.rate, service.min, service.max,
            _flags(service),
        )
        for service in services
    )  # fmt: skip
    return _table(("service", "name", "type", "category", "rate", "min", "max", "rcd"), rows)


def _flags(service: Service) -> str:
    flags = (("r", service.refill), ("c", service.cancel), ("d", service.dripfeed))
    return "".join(letter for letter, is_set in flags if is_set)


def standings_table(results: Mapping[Id, object]) -> Table:
    columns = ("order", "status", "charge", "start count", "remains")
    return _table(columns, ((id_, *_standing(result)) for id_, result in results.items()))


def results_table(results: Mapping[Id, object]) -> Table:
    return _table(("id", "answer"), ((id_, _result_text(result)) for id_, result in results.items()))


def _standing(result: object) -> tuple[object, ...]:
    if not isinstance(result, Standing):
        return (_result_text(result), "", "", "")
    charge = "" if result.charge is None else f"{result.charge} {result.currency}".rstrip()
    return (result.status or result.raw_status, charge, result.start_count, result.remains)


def _result_text(result: object) -> str:
    match result:
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
            return str(result)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> Table:
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else plain(str(value))
