"""CSV and XLSX as tables of texts, exactly as they are written; and tables as files in which nothing is a formula.

A number of a spreadsheet is a binary fraction. It is read as the program shows it, with 15 significant digits, so that
0.1 is 0.1 and 1.08 as a formula reckons it is 1.08; what 15 digits don't hold is to be written as text.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec
import openpyxl
import tablib

from tradepost.engine.exceptions import TradepostError

BYTES_MAX = 10_000_000
UNPACKED_BYTES_MAX = 200_000_000  # an XLSX is a zip
ROWS_MAX = 20_000
COLUMNS_MAX = 60
CELL_CHARS_MAX = 32_767  # what a spreadsheet holds

EXACT_BELOW = 10**8  # with 7 decimals, 15 digits
NUMBER_DIGITS_MAX = 15


class Format(StrEnum):
    """The kinds of files."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def content_type(self) -> str:
        """How the web calls it."""
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class SpreadsheetError(TradepostError):
    """It can't be read; the message says why."""


class Sheet(msgspec.Struct, frozen=True):
    """A table of texts, and the line of the file that each of its rows stands in."""

    dataset: tablib.Dataset
    lines: list[int]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    headers: list[str]
    rows: list[list[str]]
    lines: list[int]


def read(content: bytes) -> Sheet:
    """Read a file, of which the first row names the columns. Raises `SpreadsheetError`."""
    if len(content) > BYTES_MAX:
        raise SpreadsheetError(f"It has {len(content):,} bytes; no more than {BYTES_MAX:,}.")
    rows = _xlsx_rows(content) if content.startswith(b"PK") else _csv_rows(content)
    try:
        return _sheet(rows)
    except (csv.Error, ValueError, KeyError, zipfile.BadZipFile, SyntaxError) as error:  # of XML, too
        raise SpreadsheetError(f"It can't be read: {error}.") from error


def keep(sheet: Sheet) -> bytes:
    """Return a sheet as `kept` takes it: to read XLSX takes a while, and is done once."""
    rows = [list(row) for row in sheet.dataset]
    table = _Kept(sheet.dataset.headers, rows, sheet.lines)
    return gzip.compress(msgspec.json.encode(table), compresslevel=1)


def kept(content: bytes) -> Sheet:
    """Return the sheet that was kept. Raises `SpreadsheetError` for what was not kept by this version."""
    try:
        table = msgspec.json.decode(gzip.decompress(content), type=_Kept)
    except (gzip.BadGzipFile, msgspec.DecodeError):
        raise SpreadsheetError("Choose it again.") from None
    return Sheet(tablib.Dataset(*table.rows, headers=table.headers), table.lines)


def _sheet(rows: Iterable[Sequence[str]]) -> Sheet:
    lines = ((line, row) for line, row in enumerate(rows, 1) if any(row))
    _, header = next(lines, (0, ()))
    headers = [name.strip().lower() for name in _trimmed(header)]
    if not headers:
        raise SpreadsheetError("It is empty.")
    if len(headers) > COLUMNS_MAX or len(set(headers)) < len(headers) or "" in headers:
        raise SpreadsheetError(f"Its first line is to name up to {COLUMNS_MAX} columns, each once.")
    dataset = tablib.Dataset(headers=headers)
    numbers: list[int] = []
    for line, row in lines:
        if len(numbers) == ROWS_MAX:
            raise SpreadsheetError(f"It has more than {ROWS_MAX:,} rows.")
        cells = _trimmed(row)
        if len(cells) > len(headers):
            raise SpreadsheetError(f"Line {line} has {len(cells)} cells, but there are {len(headers)} columns.")
        dataset.append([*cells, *[""] * (len(headers) - len(cells))])
        numbers.append(line)
    return Sheet(dataset, numbers)


def _trimmed(row: Sequence[str]) -> list[str]:
    """Return a row without the empty cells at its end."""
    cells = [cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _csv_rows(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SpreadsheetError("It is neither XLSX nor CSV in UTF-8.") from None
    if "\0" in text:
        raise SpreadsheetError("It is neither XLSX nor CSV in UTF-8.")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)  # spreadsheets write what their country writes
    yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)


def _xlsx_rows(content: bytes) -> Iterator[list[str]]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(each.file_size for each in packed.infolist()) > UNPACKED_BYTES_MAX:
            raise SpreadsheetError("It is larger than it looks.")
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    sheet.reset_dimensions()  # what it says of them may be wrong
    for line, row in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX + 1, values_only=True), 1):
        cells = list(row)
        while cells and cells[-1] is None:  # each row is filled up to so many columns
            cells.pop()
        yield [_text(cell, line) for cell in cells]


def _text(cell: object, line: int) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if not isinstance(cell, float):
        return str(cell)
    if abs(cell) >= EXACT_BELOW and not cell.is_integer():
        raise SpreadsheetError(f"Line {line}: a spreadsheet does not hold {cell} exactly; write it as text.")
    return format(Decimal(format(cell, f".{NUMBER_DIGITS_MAX}g")), "f")


def write(dataset: tablib.Dataset, kind: Format) -> bytes:
    """Return a table of texts, whole numbers and decimals as a file."""
    if kind is Format.CSV:
        exported: str = dataset.export("csv")
        return exported.encode("utf-8-sig")
    cells = [[_cell(value) for value in row] for row in dataset]
    packed: bytes = tablib.Dataset(*cells, headers=dataset.headers, title="Catalog").export("xlsx", column_width=None)
    return packed


def _cell(value: object) -> object:
    """Return a number as a number where a spreadsheet holds it exactly, and as a text where it does not."""
    if isinstance(value, int | Decimal):
        digits = Decimal(value).as_tuple().digits
        return value if len(digits) <= NUMBER_DIGITS_MAX else str(value)
    return str(value)[:CELL_CHARS_MAX]
