"""Reading workbooks (XLSX, XLSB, XLS, ODS) as rows of texts, in a process of their own (decision 61).

A spreadsheet stores a number as a binary fraction. It is read as the spreadsheet program shows it, with 15 significant
digits: 0.1 is read as 0.1, and the result of a formula as 1.08 and not 1.0800000000000001. A number with more digits
must be a text in the spreadsheet.
"""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from tradepost.catalog.import_export.limits import (
    COLUMNS_MAX,
    ROWS_MAX,
    UNPACKED_BYTES_MAX,
    UNPACKED_PARTS_MAX,
    SpreadsheetError,
)
from tradepost.catalog.import_export.workbook_process import SECONDS_MAX, Cell, SheetRows
from tradepost.written_numbers import ExactNumber

EXACT_BELOW = 10**8  # with 7 decimals, 15 digits
NUMBER_DIGITS_MAX = 15

ZIP, OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the stream in which Office puts a workbook with a password
_MODULE = "tradepost.catalog.import_export.workbook_process"


class Workbook(msgspec.Struct, frozen=True):
    """Rows of texts, each with its number, and what the user should know about how they were read."""

    rows: Iterator[tuple[int, list[str]]]
    notes: list[str]


def is_workbook(content: bytes) -> bool:
    """Return whether a file is a workbook, or a damaged one, whatever its name is."""
    return content.startswith((ZIP, OLE))


def read_workbook(content: bytes) -> Workbook:
    """Read the first sheet that has cells. Raises `SpreadsheetError`."""
    if content.startswith(ZIP):
        _check_zip(content)
    elif _ENCRYPTED in content:
        raise SpreadsheetError("It has a password. Save it without one, and choose it again.")
    sheet = _run(content)
    if sheet.problem:
        raise SpreadsheetError(f"It can't be read: {sheet.problem}, and choose it again.")
    notes = [f"Only the sheet “{sheet.sheet}” is read; the file has {sheet.others} more."] if sheet.others else []
    return Workbook(((line, [_text(cell, line) for cell in row]) for line, row in sheet.rows), notes)


def _check_zip(content: bytes) -> None:
    """Refuse a zip that unpacks to more than the limits, or that holds no workbook."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise SpreadsheetError("It can't be read: it is damaged or cut off. Save it and choose it again.") from None
    size = sum(member.file_size for member in members)
    if size > UNPACKED_BYTES_MAX or len(members) > UNPACKED_PARTS_MAX:
        raise SpreadsheetError("It is larger than it looks.")
    if not any(member.filename.lower().startswith(("xl/", "content.xml")) for member in members):
        raise SpreadsheetError("It is an archive without a workbook. Choose an XLSX, XLS, ODS or CSV file.")


def _run(content: bytes) -> SheetRows:
    command = [sys.executable, "-I", "-m", _MODULE, str(ROWS_MAX + 2), str(COLUMNS_MAX + 1)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS_MAX, check=True)
        return msgspec.json.decode(done.stdout, type=SheetRows)
    except (subprocess.SubprocessError, msgspec.DecodeError):
        raise SpreadsheetError(
            "It can't be read: it takes too much memory or time, or is damaged. Copy its cells into a new file."
        ) from None


def _text(cell: Cell, line: int) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, str):
        return cell
    if abs(cell) >= EXACT_BELOW and not cell.is_integer():
        raise SpreadsheetError(f"Line {line}: a spreadsheet does not hold {cell} exactly; write it as text.")
    return ExactNumber(format(Decimal(format(cell, f".{NUMBER_DIGITS_MAX}g")), "f"))
