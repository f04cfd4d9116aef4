"""Write CSV line by line as rows are read, safe from formula injection."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from django.http import StreamingHttpResponse

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets take a text that begins with one for a formula
GUARD = "'"  # spreadsheets take a cell that begins with it for a text

type Cell = str | int | Decimal | None


class _EchoFile:
    """A file for `csv.writer` that returns each line instead of storing it."""

    def write(self, line: str) -> str:
        return line


def escape_formula(text: str) -> str:
    """Return a cell for the text that no spreadsheet takes for a formula."""
    return GUARD + text if text.startswith(FORMULA_SIGNS) else text


def unescape_formula(cell: str) -> str:
    """Undo `escape_formula`."""
    return cell[1:] if cell.startswith(GUARD) and cell[1:].startswith(FORMULA_SIGNS) else cell


def download(name: str, header: Sequence[object], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """Return a response that sends the rows as a file, each row as soon as it is read."""
    response = StreamingHttpResponse(lines(header, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def lines(header: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield a table as CSV lines. Decimals have no exponent, and no text is taken for a formula."""
    writer = csv.writer(_EchoFile())
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([_cell(cell) for cell in row])


def _cell(cell: object) -> object:
    if isinstance(cell, str):
        return escape_formula(cell)
    return format(cell, "f") if isinstance(cell, Decimal) else cell
