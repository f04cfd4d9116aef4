"""Ordering all that a file lists, so that it can be broken off anywhere and run again.

What becomes of each row stands in a journal beside the file. A row is written down as `sending`, on disk, before a byte
of it leaves; a row that a run finds as `sending` was cut off, and is as ambiguous as one without an answer.
"""

import csv
import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Self

import msgspec

from tradepost_client import Ambiguous, Client, GenericOrder, Id, PanelError, Refused
from tradepost_client._cli.connection import Exit, Unusable
from tradepost_client._cli.order_input import build


class State(StrEnum):
    """What became of a row."""

    SENDING = "sending"
    PLACED = "placed"
    REFUSED = "refused"
    NOT_SENT = "not sent"  # or not looked at
    AMBIGUOUS = "ambiguous"


UNSURE = frozenset({State.SENDING, State.AMBIGUOUS})


class Row(msgspec.Struct, frozen=True):
    """An order of the file, counted from 1. Its `digest` is its idempotency key: of the file, the row and the order."""

    number: int
    order: GenericOrder
    digest: str


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the journal."""

    row: int
    digest: str
    state: State
    order: Id | None = None
    error: str = ""


class Journal:
    """What is known of the rows of a file. Only one run at a time has it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        whole, _, cut_off = file.read().rpartition(b"\n")
        file.seek(-len(cut_off), os.SEEK_END)
        file.truncate()  # a line that a crash cut off says nothing: what it was to say had not happened yet
        try:
            entries = [msgspec.json.decode(line, type=Entry) for line in whole.splitlines()]
        except msgspec.DecodeError:
            raise Unusable(f"{file.name} is no journal of this command") from None
        self.known = {entry.row: entry for entry in entries}

    @classmethod
    @contextmanager
    def beside(cls, path: Path) -> Iterator[Self]:
        """Open the journal of a file. Raises `Unusable` if another run has it."""
        with path.with_name(path.name + ".results.jsonl").open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Unusable(f"{path} is being ordered by another run") from None
            _keep(path.parent)
            file.seek(0)
            yield cls(file)

    def write(self, entry: Entry) -> None:
        """Put a line on disk."""
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.known[entry.row] = entry

    def allow(self, row: Row, *, resend: bool) -> bool:
        """Say whether a row is to be sent. Raises `Unusable` if it is another order than the one that was."""
        known = self.known.get(row.number)
        if known is None or known.state in {State.REFUSED, State.NOT_SENT}:
            return True
        if known.digest != row.digest:
            raise Unusable(f"row {row.number} was another order when it was sent: put new orders into a new file")
        return resend and known.state in UNSURE


def _keep(folder: Path) -> None:
    """Put a folder's new names on disk: a journal that a power failure takes away knows of no order."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Row]:
    """Read a file of orders: CSV with a line of names, or JSON objects, one a line (`.jsonl`). Raises `Unusable`."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(_objects(file) if path.suffix == ".jsonl" else csv.DictReader(file, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise Unusable(f"{path} can't be read: {error}") from None
    return [_row(path, number, fields) for number, fields in enumerate(rows, 1)]


def order_all(
    client: Client, rows: Sequence[Row], journal: Journal, *, resend: bool, tell: Callable[[Entry], None]
) -> None:
    """Order what is not ordered yet. Ends early when the panel can't be reached: nothing else would be different."""
    due = {row.number for row in rows if journal.allow(row, resend=resend)}
    for row in rows:
        if row.number in due:
            before = journal.known.get(row.number)
            journal.write(Entry(row.number, row.digest, State.SENDING))
            journal.write(_settle(_order(client, row), before))
        entry = journal.known[row.number]
        tell(entry)
        if entry.state is State.NOT_SENT:
            return


def count(rows: Iterable[Row], journal: Journal) -> dict[str, int]:
    """Count the rows by what became of them; what was never reached is not sent."""
    states = (journal.known[row.number].state if row.number in journal.known else State.NOT_SENT for row in rows)
    counted = Counter(State.AMBIGUOUS if state in UNSURE else state for state in states)
    return {state.value: counted[state] for state in State if state is not State.SENDING}


def exit_code(counted: dict[str, int]) -> Exit:
    """Return what a run ends with."""
    if counted[State.AMBIGUOUS]:
        return Exit.AMBIGUOUS
    return Exit.REFUSED if counted[State.REFUSED] or counted[State.NOT_SENT] else Exit.OK


def _order(client: Client, row: Row) -> Entry:
    try:
        placed = client.add(row.order, idempotency_key=row.digest)
    except Refused as error:
        return Entry(row.number, row.digest, State.REFUSED, error=str(error))
    except Ambiguous as error:
        return Entry(row.number, row.digest, State.AMBIGUOUS, error=str(error))
    except PanelError as error:
        return Entry(row.number, row.digest, State.NOT_SENT, error=str(error))
    return Entry(row.number, row.digest, State.PLACED, placed.order)


def _settle(entry: Entry, before: Entry | None) -> Entry:
    """Keep a row ambiguous that was so before and is not placed now: what was refused is the second attempt."""
    if before is None or before.state not in UNSURE or entry.state is State.PLACED:
        return entry
    return msgspec.structs.replace(entry, state=State.AMBIGUOUS, error=f"sent again: {entry.error}")


def _objects(file: IO[str]) -> Iterator[object]:
    return (json.loads(line) for line in file if line.strip())


def _row(path: Path, number: int, fields: object) -> Row:
    """Make a row of what a line says; the empty columns of a CSV file are no parameters."""
    if not isinstance(fields, dict) or None in fields:
        raise Unusable(f"row {number} is no order: it has more columns than names, or is no object")
    written = {str(name).strip(): _written(value) for name, value in fields.items()}
    given = {name: value for name, value in written.items() if value}
    try:
        order = build(given.pop("service", ""), given, given.pop("type", None))
    except Unusable as error:
        raise Unusable(f"row {number}: {error}") from None
    named = json.dumps([str(path.resolve()), number, sorted(order.parameters().items())])
    return Row(number, order, hashlib.sha256(named.encode()).hexdigest())


def _written(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value).strip()
