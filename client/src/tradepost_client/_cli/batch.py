"""Placing all orders in a file. A run may stop anywhere and be started again.

A journal next to the file records the result of each row. Before a row is sent, the journal has it on disk as
`sending`. If a run finds a row as `sending`, an earlier run stopped there, and the row is as ambiguous as a row without
an answer.
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
from tradepost_client._cli import order_files
from tradepost_client._cli.connection import Exit, UsageError
from tradepost_client._cli.order_input import build_order


class RowState(StrEnum):
    SENDING = "sending"
    PLACED = "placed"
    REFUSED = "refused"
    NOT_SENT = "not sent"  # or rate limited
    AMBIGUOUS = "ambiguous"


UNSURE = frozenset({RowState.SENDING, RowState.AMBIGUOUS})


class Row(msgspec.Struct, frozen=True):
    """A row of the file: `number` counts from 1. `digest`, of the file's path, the number and the order, is its key."""

    number: int
    order: GenericOrder
    digest: str


class JournalEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the journal."""

    row: int
    digest: str
    state: RowState
    order: Id | None = None
    error: str = ""


class Journal:
    """The results of a file's rows so far, by row in `entries`. A lock lets only one run use it at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        whole, _, cut_off = file.read().rpartition(b"\n")
        file.seek(-len(cut_off), os.SEEK_END)
        file.truncate()  # drop a crashed run's incomplete line: the row keeps the state of its last complete line
        try:
            entries = [msgspec.json.decode(line, type=JournalEntry) for line in whole.splitlines()]
        except msgspec.DecodeError:
            raise UsageError(f"{file.name} is no journal of this command") from None
        self.entries = {entry.row: entry for entry in entries}

    @classmethod
    @contextmanager
    def open_for(cls, path: Path) -> Iterator[Self]:
        """Open the journal of a file of orders. Raises `UsageError` if another run has it."""
        with path.with_name(path.name + ".results.jsonl").open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{path} is being ordered by another run") from None
            _sync_folder(path.parent)
            file.seek(0)
            yield cls(file)

    def write(self, entry: JournalEntry) -> None:
        """Append a line, and wait until it is on disk."""
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.entries[entry.row] = entry

    def may_send(self, row: Row, *, resend: bool) -> bool:
        """Return whether to send a row. Raises `UsageError` if the row's order differs from the one sent before."""
        entry = self.entries.get(row.number)
        if entry is None or entry.state in {RowState.REFUSED, RowState.NOT_SENT}:
            return True
        if entry.digest != row.digest:
            raise UsageError(f"row {row.number} was another order when it was sent: put new orders into a new file")
        return resend and entry.state in UNSURE


def _sync_folder(folder: Path) -> None:
    """Put a folder's new file names on disk, so that a power failure can't lose the journal."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_rows(path: Path) -> list[Row]:
    """Read a file of orders (`order_files`). Raises `UsageError`."""
    try:
        rows = order_files.read_orders(path)
    except (OSError, ValueError, csv.Error) as error:
        raise UsageError(f"{path} can't be read: {error}") from None
    return [_row(path, number, fields) for number, fields in enumerate(rows, 1)]


def order_all(
    client: Client, rows: Sequence[Row], journal: Journal, *, resend: bool, report: Callable[[JournalEntry], None]
) -> None:
    """Place the orders that are not placed yet, and report each row.

    If the panel can't be reached, stop: the rows that follow would fail in the same way.
    """
    due = {row.number for row in rows if journal.may_send(row, resend=resend)}
    for row in rows:
        if row.number in due:
            before = journal.entries.get(row.number)
            journal.write(JournalEntry(row.number, row.digest, RowState.SENDING))
            journal.write(_still_unsure(_order(client, row), before))
        entry = journal.entries[row.number]
        report(entry)
        if entry.state is RowState.NOT_SENT:
            return


def count_states(rows: Iterable[Row], journal: Journal) -> dict[str, int]:
    """Count the rows by state. A row that the run did not reach counts as not sent."""
    states = (journal.entries[row.number].state if row.number in journal.entries else RowState.NOT_SENT for row in rows)
    counts = Counter(RowState.AMBIGUOUS if state in UNSURE else state for state in states)
    return {state.value: counts[state] for state in RowState if state is not RowState.SENDING}


def exit_code(counts: dict[str, int]) -> Exit:
    if counts[RowState.AMBIGUOUS]:
        return Exit.AMBIGUOUS
    return Exit.REFUSED if counts[RowState.REFUSED] or counts[RowState.NOT_SENT] else Exit.OK


def _order(client: Client, row: Row) -> JournalEntry:
    try:
        placed = client.add(row.order, idempotency_key=row.digest)
    except Refused as error:
        return JournalEntry(row.number, row.digest, RowState.REFUSED, error=str(error))
    except Ambiguous as error:
        return JournalEntry(row.number, row.digest, RowState.AMBIGUOUS, error=str(error))
    except PanelError as error:
        return JournalEntry(row.number, row.digest, RowState.NOT_SENT, error=str(error))
    return JournalEntry(row.number, row.digest, RowState.PLACED, placed.order)


def _still_unsure(entry: JournalEntry, before: JournalEntry | None) -> JournalEntry:
    """If the row was ambiguous before and is not placed now, keep it ambiguous: only the second attempt failed."""
    if before is None or before.state not in UNSURE or entry.state is RowState.PLACED:
        return entry
    return msgspec.structs.replace(entry, state=RowState.AMBIGUOUS, error=f"sent again: {entry.error}")


def _row(path: Path, number: int, fields: object) -> Row:
    """Make a row from its columns. An empty column of a CSV file is no parameter."""
    if not isinstance(fields, dict) or None in fields:
        raise UsageError(f"row {number} is no order: it has more columns than names, or is no object")
    texts = {str(name).strip(): _as_text(value) for name, value in fields.items()}
    parameters = {name: text for name, text in texts.items() if text}
    try:
        order = build_order(parameters.pop("service", ""), parameters, parameters.pop("type", None))
    except UsageError as error:
        raise UsageError(f"row {number}: {error}") from None
    identity = json.dumps([str(path.resolve()), number, sorted(order.parameters().items())])
    return Row(number, order, hashlib.sha256(identity.encode()).hexdigest())


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value).strip()
