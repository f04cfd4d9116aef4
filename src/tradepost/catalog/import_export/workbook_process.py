"""The process that reads one workbook from its input, and writes the rows of one sheet to its output as JSON.

Run as `python -m tradepost.catalog.import_export.workbook_process ROWS_MAX COLUMNS_MAX` (decision 61). A workbook of a
few bytes can ask for more memory than there is, and the allocator of the reading library then ends the process. So this
module imports nothing of the desk, and limits the memory and the time of its process.
"""

import io
import re
import resource
import sys
import zipfile
from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

import msgspec
import python_calamine
from python_calamine import CalamineWorkbook, SheetMetadata, SheetTypeEnum, SheetVisibleEnum

MEMORY_BYTES_MAX = 2_000_000_000
SECONDS_MAX = 60

_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}sheet"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ERROR_CELL = re.compile(
    rb"<(?:\w+:)?c\b(?=[^>]*\bt=\"e\")[^>]*\br=\"([A-Z]{1,3})([0-9]{1,7})\"[^>]*>(.*?)</(?:\w+:)?c>", re.DOTALL
)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</")

type Cell = str | float | bool


class SheetRows(msgspec.Struct):
    """The rows of a sheet that are not empty, each with its number, or why there are none. `others` counts sheets."""

    rows: list[tuple[int, list[Cell]]] = []
    sheet: str = ""
    others: int = 0
    problem: str = ""


def main() -> None:
    """Read the workbook, and write a `SheetRows`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        found = _read(content, rows_max=int(sys.argv[1]), columns_max=int(sys.argv[2]))
    except python_calamine.PasswordError:
        found = SheetRows(problem="It has a password. Save it without one")
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        found = SheetRows(
            problem=f"It is damaged ({str(error).rstrip('.')}). Open it in a spreadsheet program and save it"
        )
    sys.stdout.buffer.write(msgspec.json.encode(found))


def _read(content: bytes, *, rows_max: int, columns_max: int) -> SheetRows:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    sheets = _worksheets(book.sheets_metadata)
    found = SheetRows(problem="It has no sheet with cells")
    for sheet in sheets:
        rows = book.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
        errors = _error_cells(content, sheet.name)
        filled = list(_filled_rows(rows, errors, rows_max=rows_max, columns_max=columns_max))
        if filled:
            return SheetRows(filled, sheet.name, len(sheets) - 1)
    return found


def _worksheets(sheets: list[SheetMetadata]) -> list[SheetMetadata]:
    """Return the sheets with cells (no charts, no macros): the visible ones or, if all are hidden, the hidden ones."""
    worksheets = [sheet for sheet in sheets if sheet.typ == SheetTypeEnum.WorkSheet]
    return [sheet for sheet in worksheets if sheet.visible == SheetVisibleEnum.Visible] or worksheets


def _filled_rows(
    rows: Sequence[Sequence[object]], errors: dict[tuple[int, int], str], *, rows_max: int, columns_max: int
) -> Iterator[tuple[int, list[Cell]]]:
    """Yield the first rows that are not empty, without the empty cells at their ends."""
    count = 0
    for line, row in enumerate(rows, 1):
        cells = [errors.get((line, column)) or _cell(value) for column, value in enumerate(row[:columns_max])]
        while cells and cells[-1] == "":
            cells.pop()
        if cells:
            yield line, cells
            count += 1
        if count == rows_max:
            return


def _cell(value: object) -> Cell:
    if isinstance(value, str | bool | float):
        return value
    return float(value) if isinstance(value, int) else str(value)  # dates and times as ISO 8601


def _error_cells(content: bytes, sheet: str) -> dict[tuple[int, int], str]:
    """Return the cells of an XLSX sheet whose formula failed, such as `#DIV/0!`, by row and column.

    The library gives them as empty. An empty cell leaves a value as it is, so the user would not learn of the error.
    """
    if not content.startswith(b"PK"):
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        part = _part(packed, sheet)
        xml = packed.read(part) if part in packed.namelist() else b""
    return {(int(row), _column(letters)): _error(cell) for letters, row, cell in _ERROR_CELL.findall(xml)}


def _part(packed: zipfile.ZipFile, sheet: str) -> str:
    """Return the name of the part that holds a sheet; empty if the file is no XLSX."""
    names = packed.namelist()
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return ""
    try:
        book = ET.fromstring(packed.read("xl/workbook.xml"))  # noqa: S314 - the process has limits
        relations = ET.fromstring(packed.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    except ET.ParseError:
        return ""
    ids = {each.get("name"): each.get(_RELATION) for each in book.iter(_SHEET)}
    targets = {each.get("Id"): each.get("Target", "") for each in relations}
    target = targets.get(ids.get(sheet)) or ""
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def _error(cell: bytes) -> str:
    value = _VALUE.search(cell)
    return value[1].decode(errors="replace") if value else "#ERROR!"


if __name__ == "__main__":
    main()
