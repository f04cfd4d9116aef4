"""Mass orders as people paste them: the columns of a text, in whatever order and with whatever separator.

Each line is split on its own, since people collect lines from several places. The order of the columns is one for all
lines: it is the order in which most lines have the id of a service on sale, a link and a whole number.
"""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from tradepost.written_numbers import UnclearNumberError, read_whole

SEPARATORS = ("\t", "|", ";", ",", " ")
CELLS_MIN = 3
UNUSUAL_LINES_MIN = 2

_INVISIBLE = dict.fromkeys([0xFEFF, 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)])
_BLANKS = re.compile(r"[ \u00a0\u2000-\u200a\u202f\u3000]")
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "'": "'"}
_ID = re.compile(r"[0-9]{1,20}(\.0+)?")
_GROUP = re.compile(r"[0-9]{3}(\.0+)?")
_GROUP_BEFORE = re.compile(r"[1-9][0-9]{0,2}")
_NO_NUMBER = re.compile(r"[/:@a-df-zA-DF-Z]")  # a shortcut: most cells are links
_HOLDS_VALUE = re.compile(r"[0-9/@]|\w\.\w")

# Names of the columns in the languages of the trade, as other panels and spreadsheets head them.
NAMES = {
    "service": "service|services|service id|serviceid|id|service no|servicio|id servicio|id de servicio|serviço|servico"
    "|id do serviço|услуга|сервис|id услуги|id сервиса|servis|hizmet|servis id|layanan|id layanan|dịch vụ|dienst|الخدمة"
    "|سرویس",
    "link": "link|links|url|page|profile|username|target|enlace|ссылка|bağlantı|tautan|liên kết"
    "|الرابط|لینک",
    "quantity": "quantity|qty|amount|count|cantidad|quantidade|количество|кол-во|miktar|adet|jumlah|số lượng|menge"
    "|anzahl|الكمية|تعداد",
}  # fmt: skip
_COLUMN_BY_NAME = {name: column for column, names in NAMES.items() for name in names.split("|")}


class Columns(StrEnum):
    """The orders in which a line can have its columns, the most usual one first."""

    SERVICE_LINK_QUANTITY = "service link quantity"
    SERVICE_QUANTITY_LINK = "service quantity link"
    LINK_SERVICE_QUANTITY = "link service quantity"
    LINK_QUANTITY_SERVICE = "link quantity service"
    QUANTITY_SERVICE_LINK = "quantity service link"
    QUANTITY_LINK_SERVICE = "quantity link service"

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.value.split())

    @property
    def is_unusual(self) -> bool:
        """Whether the quantity comes before the service. By chance, a quantity may be the id of a service."""
        return self.names.index("quantity") < self.names.index("service")


class PastedLine(NamedTuple):
    """A line of the text: its number from 1, as it was pasted, and its parameters; None if it has not three columns.

    `unclear` has both readings of a quantity that may mean two numbers. `other` is the order of columns that the line
    has, if that is not the order of all lines. `has_more` says that the line has more columns, such as a number of
    runs, than the three.
    """

    number: int
    text: str
    parameters: dict[str, str] | None
    unclear: tuple[str, ...] = ()
    other: Columns | None = None
    has_more: bool = False


class PastedOrders(NamedTuple):
    """The lines with an order, the order of their columns, their separators, and the line with the columns' names."""

    lines: list[PastedLine]
    columns: Columns
    separators: tuple[str, ...]
    header: str

    @property
    def is_sure(self) -> bool:
        """Whether the columns can hardly be meant otherwise: the service comes first, and no number is a link."""
        links = (line.parameters["link"] for line in self.lines if line.parameters)
        return self.columns.names[0] == "service" and not any(map(_is_number, links))


class _Split(NamedTuple):
    separator: str
    cells: list[str]


def read_pasted(text: str, is_service: Callable[[str], bool], chosen: Columns | None = None) -> PastedOrders:
    """Read a text. `is_service` says whether an id is on sale; `chosen` is the order of columns that the user chose."""
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in numbered if any(map(str.isalnum, line))]
    header, named = _header(lines[0][1]) if lines else ("", None)
    if header:
        lines = lines[1:]
    splits = [list(_splits(line)) for _, line in lines]
    columns = chosen or named or _recognise(splits, is_service)
    taken = [_best(each, columns, is_service) for each in splits]
    read = [_read(number, line, each, columns) for (number, line), each in zip(lines, taken, strict=True)]
    read = [
        line._replace(other=_other_order(each, columns, is_service)) for line, each in zip(read, splits, strict=True)
    ]
    separators = tuple(dict.fromkeys(each.separator for each in taken if each))
    return PastedOrders(read, columns, separators, header)


def _visible(line: str) -> str:
    """Return a line with one kind of blank, and without characters that nobody sees."""
    return _BLANKS.sub(" ", line.translate(_INVISIBLE)).strip(" ")


def _splits(line: str) -> Iterator[_Split]:
    """Yield each way in which the line has three cells or more, the least doubtful separator first."""
    visible = _visible(line)
    for separator in SEPARATORS:
        if separator not in visible:
            continue
        cells = _cells(visible, separator)
        is_split_by_another = separator == " " and not all(any(map(str.isalnum, cell)) for cell in cells)
        if len(cells) >= CELLS_MIN and not is_split_by_another:
            yield _Split(separator, cells)
    bare = _unquoted(visible)
    if bare != visible and not bare.startswith(tuple(_QUOTES)):
        yield from _splits(bare)  # the whole line was one cell of a spreadsheet


def _cells(line: str, separator: str) -> list[str]:
    """Return the cells, without the empty ones that bars at the line's ends make."""
    if separator == " ":
        cells = [cell for cell in line.split(" ") if cell]
    elif '"' in line and len(line) <= csv.field_size_limit():
        cells = next(csv.reader([re.sub(rf' *\{separator} *(?=")', separator, line)], delimiter=separator), [])
    else:
        cells = line.split(separator)
    cells = [_unquoted(cell.strip()) for cell in cells]
    if separator == "|" and len(cells) > CELLS_MIN and not cells[0]:
        cells = cells[1:]
    while len(cells) > CELLS_MIN and not cells[-1]:
        cells.pop()
    return cells


def _unquoted(cell: str) -> str:
    return cell[1:-1].strip() if len(cell) > 1 and _QUOTES.get(cell[0]) == cell[-1] else cell


def _header(line: str) -> tuple[str, Columns | None]:
    """Return the line if it names columns, else an empty text; and the order of the columns if it names all three."""
    for split in _splits(line):
        names = [_COLUMN_BY_NAME.get(cell.casefold().strip("# :._").replace("_", " "), "") for cell in split.cells]
        if any(names) and not any(_HOLDS_VALUE.search(cell) for cell in split.cells):
            order = " ".join(names)
            return line, Columns(order) if order in set(Columns) else None
    return "", None


def _recognise(splits: Sequence[list[_Split]], is_service: Callable[[str], bool]) -> Columns:
    """Return the order of columns that fits the lines best; of orders that fit as well, the one that is more usual.

    An unusual order must fit two lines, while no line fits a usual one.
    """
    fits = {
        columns: [max((_fit(split, columns, is_service) for split in each), default=0) for each in splits]
        for columns in Columns
    }
    complete = {columns: found.count(CELLS_MIN) for columns, found in fits.items()}
    usual = [columns for columns in Columns if not columns.is_unusual]
    if any(complete[columns] for columns in usual) or max(complete.values()) < UNUSUAL_LINES_MIN:
        return max(usual, key=lambda columns: (complete[columns], sum(fits[columns])))
    return max(Columns, key=lambda columns: complete[columns])


def _best(splits: list[_Split], columns: Columns, is_service: Callable[[str], bool]) -> _Split | None:
    return max(splits, key=lambda split: _fit(split, columns, is_service), default=None)


def _other_order(splits: list[_Split], columns: Columns, is_service: Callable[[str], bool]) -> Columns | None:
    """Return the usual order of columns that fits a line completely, if the order of all lines does not."""
    fitting = [
        each
        for each in Columns
        if (each.names[0] == "service" or each is columns)
        and any(_fit(split, each, is_service) == CELLS_MIN for split in splits)
    ]
    return fitting[0] if fitting and columns not in fitting else None


def _fit(split: _Split, columns: Columns, is_service: Callable[[str], bool]) -> int:
    """Return how many of a line's three columns hold what they should."""
    cells = _assigned(split, columns)
    is_link = _is_link(cells["link"]) and not _has_more(split, columns)
    return sum((is_service(_id(cells["service"])), is_link, _is_number(cells["quantity"])))


def _assigned(split: _Split, columns: Columns) -> dict[str, str]:
    """Return the cells by column. What is too many belongs to the link, which may hold the separator itself."""
    cells = _with_groups(split.cells, columns) if split.separator == " " else split.cells
    before = columns.names.index("link")
    after = len(columns.names) - 1 - before
    link = split.separator.join(cells[before : len(cells) - after])
    return dict(zip(columns.names, [*cells[:before], link, *cells[len(cells) - after :]], strict=True))


def _with_groups(cells: list[str], columns: Columns) -> list[str]:
    """Return cells between blanks, with the groups of a quantity, such as `1 000`, in one cell again."""
    at, spare = columns.names.index("quantity"), len(cells) - CELLS_MIN
    groups = cells[at + 1 : at + 1 + spare]
    if not groups or not all(map(_GROUP.fullmatch, groups)):
        return cells
    return [*cells[:at], " ".join([cells[at], *groups]), *cells[at + 1 + spare :]]


def _is_link(cell: str) -> bool:
    return bool(cell) and not _is_number(cell) and any(char.isalnum() for char in cell)


def _is_number(cell: str) -> bool:
    if _NO_NUMBER.search(cell):
        return False
    try:
        return read_whole(cell) >= 0
    except UnclearNumberError:
        return True
    except ValueError:
        return False


def _id(cell: str) -> str:
    return cell.partition(".")[0] if _ID.fullmatch(cell) else cell


def _read(number: int, text: str, split: _Split | None, columns: Columns) -> PastedLine:
    if split is None:
        return PastedLine(number, text, None)
    cells = _assigned(split, columns)
    quantity, unclear = cells["quantity"], _split_in_two(split, columns)
    try:
        quantity = str(read_whole(quantity))
    except UnclearNumberError as error:
        unclear = tuple(error.readings)
    except ValueError:
        pass  # the engine refuses the quantity, or needs none
    return PastedLine(
        number,
        text,
        {**cells, "service": _id(cells["service"]), "quantity": quantity},
        unclear,
        has_more=_has_more(split, columns),
    )


def _has_more(split: _Split, columns: Columns) -> bool:
    """Return whether what is too many is no part of the link: other panels take runs, a speed or a note, too."""
    cells = _with_groups(split.cells, columns) if split.separator == " " else split.cells
    before = columns.names.index("link")
    link = cells[before : before + len(cells) - CELLS_MIN + 1]
    if len(link) == 1:
        return False
    return split.separator in {"\t", " "} or not link[0] or any(_ID.fullmatch(cell) or " " in cell for cell in link)


def _split_in_two(split: _Split, columns: Columns) -> tuple[str, ...]:
    """Return both readings of a quantity if the comma in `12,1,500,…` may be a separator or group its digits."""
    spare = len(split.cells) - CELLS_MIN
    if split.separator != "," or spare < 1:
        return ()
    at = columns.names.index("quantity")
    is_before_link = at < columns.names.index("link")
    start = at if is_before_link else at + spare - 1
    before, group = split.cells[start : start + 2]
    if not (_GROUP_BEFORE.fullmatch(before) and _GROUP.fullmatch(group)):
        return ()
    thousands = group.partition(".")[0]
    return before if is_before_link else str(int(thousands)), before + thousands
