"""Reading files of rows as tables of texts, and writing tables as CSV and XLSX files without formulas.

What a file is, is recognised by its content, whatever its name says.
"""

import gzip
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec
import tablib

from tradepost import formats
from tradepost.catalog.import_export.limits import (
    BYTES_MAX,
    CELL_CHARS_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    SpreadsheetError,
)
from tradepost.catalog.import_export.text_files import read_text_file
from tradepost.catalog.import_export.workbooks import NUMBER_DIGITS_MAX, is_workbook, read_workbook
from tradepost.written_numbers import ExactNumber

# What XLSX can't hold as it is: characters that XML has no place for, and what reads like their escapes.
_ESCAPED_IN_XLSX = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]


_CONTENT_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ParsedFile(msgspec.Struct, frozen=True):
    """A table of texts, and for each of its rows the line in the file.

    `delimiter` is empty for a spreadsheet. `notes` say what the user should know about how the file was read.
    """

    dataset: tablib.Dataset
    lines: list[int]
    delimiter: str = ""
    notes: list[str] = []


class _PackedTable(msgspec.Struct, frozen=True, array_like=True):
    """`exact` has the row and column of each number of a spreadsheet."""

    headers: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str
    notes: list[str]
    exact: list[tuple[int, int]]


def read_file(content: bytes) -> ParsedFile:
    """Read a file whose first row names the columns. Raises `SpreadsheetError`."""
    if len(content) > BYTES_MAX:
        raise SpreadsheetError(f"It has {formats.whole(len(content))} bytes; no more than {formats.whole(BYTES_MAX)}.")
    if is_workbook(content):
        book = read_workbook(content)
        return _parse_rows(book.rows, "", book.notes)
    table = read_text_file(content)
    return _parse_rows(table.rows, table.delimiter, table.notes)


def pack(sheet: ParsedFile) -> bytes:
    """Return a parsed file as bytes for `unpack`, so that a file is read only once."""
    rows = [list(row) for row in sheet.dataset]
    exact = [(row, column) for row, cells in enumerate(rows) for column, cell in enumerate(cells) if _is_exact(cell)]
    texts = [[str(cell) for cell in row] for row in rows]
    table = _PackedTable(sheet.dataset.headers, texts, sheet.lines, sheet.delimiter, sheet.notes, exact)
    return gzip.compress(msgspec.json.encode(table), compresslevel=1)


def _is_exact(cell: str) -> bool:
    return isinstance(cell, ExactNumber)


def unpack(content: bytes) -> ParsedFile:
    """Return the parsed file. Raises `SpreadsheetError` if another version of Tradepost has packed it."""
    try:
        table = msgspec.json.decode(gzip.decompress(content), type=_PackedTable)
    except (gzip.BadGzipFile, msgspec.DecodeError):
        raise SpreadsheetError("Choose it again.") from None
    for row, column in table.exact:
        table.rows[row][column] = ExactNumber(table.rows[row][column])
    return ParsedFile(tablib.Dataset(*table.rows, headers=table.headers), table.lines, table.delimiter, table.notes)


def _parse_rows(rows: Iterable[tuple[int, Sequence[str]]], delimiter: str, notes: list[str]) -> ParsedFile:
    lines = ((line, row) for line, row in rows if any(cell.strip() for cell in row))
    _, header = next(lines, (0, ()))
    headers = [_column_name(name) for name in _trimmed(header)]
    if not headers:
        raise SpreadsheetError("It is empty.")
    if len(headers) > COLUMNS_MAX or len(set(headers)) < len(headers) or "" in headers:
        raise SpreadsheetError(f"Its first line is to name up to {COLUMNS_MAX} columns, each once.")
    dataset = tablib.Dataset(headers=headers)
    numbers: list[int] = []
    for line, row in lines:
        if len(numbers) == ROWS_MAX:
            raise SpreadsheetError(f"It has more than {formats.whole(ROWS_MAX)} rows.")
        cells = _trimmed(row)
        if len(cells) > len(headers):
            raise SpreadsheetError(f"Line {line} has {len(cells)} cells, but there are {len(headers)} columns.")
        dataset.append([*cells, *[""] * (len(headers) - len(cells))])
        numbers.append(line)
    return ParsedFile(dataset, numbers, delimiter, notes)


def _column_name(text: str) -> str:
    """Return a column's name as exports write it: `Average time` is `average_time`."""
    return re.sub(r"[\s_-]+", "_", text.lower())


def _trimmed(row: Sequence[str]) -> list[str]:
    """Return a row without the empty cells at its end."""
    cells = [cell if _is_exact(cell) else cell.strip() for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def write_file(dataset: tablib.Dataset, kind: Format) -> bytes:
    """Return a table of texts, whole numbers and decimals as a file."""
    if kind is Format.CSV:
        rows = [[format(value, "f") if isinstance(value, Decimal) else value for value in row] for row in dataset]
        exported: str = tablib.Dataset(*rows, headers=dataset.headers).export("csv")
        return exported.encode("utf-8-sig")
    cells = [[_cell(value) for value in row] for row in dataset]
    packed: bytes = tablib.Dataset(*cells, headers=dataset.headers, title="Catalog").export("xlsx", column_width=None)
    return packed


def _cell(value: object) -> object:
    """Return a number as a number if a spreadsheet can store it exactly, else as a text."""
    if isinstance(value, int | Decimal):
        digits = Decimal(value).as_tuple().digits
        return value if len(digits) <= NUMBER_DIGITS_MAX else str(value)
    return _ESCAPED_IN_XLSX.sub(lambda found: f"_x{ord(found[0]):04X}_", str(value)[:CELL_CHARS_MAX])
