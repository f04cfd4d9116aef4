"""Files of orders: CSV as programs and spreadsheets save it, other panels' mass orders, or JSON lines."""

import codecs
import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

DELIMITERS = ",;\t|"
COLUMNS = ("service", "quantity", "link")

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=(.)\"?[ ]*(\r\n|\r|\n|$)", re.IGNORECASE)
_ID = re.compile(r"[0-9]+", re.ASCII)
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?P<group>[ ,'\u00a0\u202f])[0-9]{3}(?:(?P=group)[0-9]{3})*(?:\.0+)?", re.ASCII)
_WHOLE_FLOAT = re.compile(r"(?P<whole>0|[1-9][0-9]*)\.(?P<zeros>0+)", re.ASCII)
_THOUSANDS = re.compile(r"[1-9][0-9]{0,2}\.000", re.ASCII)
_AFTER_ID = re.compile(r"\s*\"?[0-9]+\"?[ ]*([,;\t|]|(?<= )(?=[^ ]+ +[^ ]+\s*$))")
_THREE_IN_A_ROW = re.compile(r"[^\W\d_a-zA-Z]{3}")  # accents do not stand so close; misread letters of others do
_OTHER_NAMES = {"id": "service", "service id": "service", "service_id": "service", "url": "link", "qty": "quantity"}


def read_orders(path: Path) -> list[object]:
    """Return the parameters of each order in a file, by their names. Raises `OSError`, `ValueError` or `csv.Error`.

    Without a line of names the columns are `id|quantity|link`, as other panels take them, or `id|link|quantity`.
    """
    text = _decode(path.read_bytes())
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in io.StringIO(text, newline=None) if line.strip()]
    separator = _SEPARATOR_LINE.match(text)
    body = text[separator.end() :] if separator else text
    delimiter = separator[1] if separator else _delimiter(body)
    rows = csv.reader(
        io.StringIO(body, newline=""), delimiter=delimiter, strict=True, skipinitialspace=delimiter == " "
    )
    filled = [row for row in rows if any(cell.strip() for cell in row)]
    if not filled:
        return []
    if _ID.fullmatch(filled[0][0].strip()):
        return _without_names(filled)
    return [_named(filled[0], row) for row in filled[1:]]


def _decode(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding)
    if content[1:2] == b"\0":
        return content.decode("utf-16-le")
    if content[:1] == b"\0":
        return content.decode("utf-16-be")
    try:
        return content.decode()
    except UnicodeDecodeError:
        text = content.decode("cp1252")
    if _THREE_IN_A_ROW.search(text):
        raise ValueError("it is neither in UTF-8 nor in cp1252: save it as UTF-8")
    return text


def _delimiter(text: str) -> str:
    first = next((line for line in io.StringIO(text, newline=None) if line.strip()), "")
    after_id = _AFTER_ID.match(first)
    if after_id:
        return after_id[1] or " "
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([first], delimiter=delimiter), [])))


def _named(header: Sequence[str], row: Sequence[str]) -> dict[str | None, object]:
    """Return a row by the names of its columns, and the cells without a name under None."""
    names = [name.strip().lower() for name in header]
    names = [_OTHER_NAMES.get(name, name) if _OTHER_NAMES.get(name) not in names else name for name in names]
    cells: dict[str | None, object] = {name: cell for name, cell in zip(names, row, strict=False) if name}
    nameless = [cell for name, cell in zip([*names, *[""] * len(row)], row, strict=False) if not name and cell.strip()]
    return {**_with_quantity(cells), **({None: nameless} if nameless else {})}


def _without_names(rows: Sequence[Sequence[str]]) -> list[object]:
    """Return rows by the column that holds links. Raises `ValueError` if that is not one and the same in all rows."""
    cells = [[cell.strip() for cell in row] for row in rows]
    cells = [row[:-1] if len(row) == len(COLUMNS) + 1 and not row[-1] else row for row in cells]  # a bar at the end
    wrong = next((number for number, row in enumerate(cells, 1) if len(row) != len(COLUMNS)), None)
    if wrong:
        raise ValueError(f"row {wrong} has not three columns: service, quantity and link, and no line names others")
    is_last = {not _is_number(row[2]) for row in cells}
    if len(is_last) > 1 or any(_is_number(row[1]) is _is_number(row[2]) for row in cells):
        raise ValueError("the columns are not the same in all rows: name them in the first line")
    names = COLUMNS if is_last.pop() else ("service", "link", "quantity")
    return [_with_quantity(dict(zip(names, row, strict=True))) for row in cells]


def _is_number(text: str) -> bool:
    return bool(_ID.fullmatch(text) or _GROUPED.fullmatch(text) or _WHOLE_FLOAT.fullmatch(text))


def _with_quantity(cells: dict[str | None, object]) -> dict[str | None, object]:
    """Write a quantity such as `1,000` or `1000.0` in digits. Raises `ValueError` for `1.000`, which may mean 1."""
    text = str(cells.get("quantity") or "").strip()
    fraction = _WHOLE_FLOAT.fullmatch(text)
    if fraction and _THOUSANDS.fullmatch(text):
        raise ValueError(f"the quantity {text} may mean {fraction['whole']} or {text.replace('.', '')}")
    if fraction or _GROUPED.fullmatch(text):
        return {**cells, "quantity": re.sub("[^0-9]", "", text.partition(".")[0])}
    return cells
