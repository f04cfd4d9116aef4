"""What a file would change, line by line, and how that is shown."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils.html import format_html_join
from import_export.fields import Field

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.catalog.import_export.files import ParsedFile
from tradepost.catalog.import_export.resources import SheetResource

CELL_SHOWN_CHARS_MAX = 60
COLOURS = {"wrong": "danger", "changed": "info", "new": "success"}


class Line(NamedTuple):
    """What would become of a line of the file: the columns with their old and new values, or what is wrong."""

    line: int
    kind: str
    name: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    wrong: str = ""


def proposal(resource: SheetResource, result: Any, sheet: ParsedFile) -> ChangePreview[Line]:
    """Return what the rows of a sheet have come to: what is wrong first, then what would change."""
    wrong = [*_base_errors(result), *_wrong(result, dict(enumerate(sheet.lines, 1)))]
    rows = list(zip(sheet.lines, result.rows, strict=False))
    columns = set(sheet.dataset.headers or ()) - {"id"}  # what is new has no id before it is written
    told = [field for field in resource.get_import_fields() if field.column_name in columns]
    new = [_new(resource, line, row.instance, told) for line, row in rows if row.is_new()]
    changed = [_changed(resource, line, row.instance) for line, row in rows if row.is_update()]
    same = [Line(line, "unchanged", row.object_repr) for line, row in rows if row.is_skip()]
    summary = f"{len(new):,} new, {len(changed):,} changed, {len(same):,} unchanged, {len(wrong):,} wrong"
    warnings = ["Nothing is imported while anything is wrong: mend the file and choose it again."] if wrong else []
    count = 0 if wrong else len(new) + len(changed)
    headers = ("Line", "Row", "", "Changes")
    return ChangePreview(summary, headers, [*wrong, *changed, *new, *same], _cells, count, warnings)


def _base_errors(result: Any) -> Iterator[Line]:
    for each in result.base_errors:
        yield Line(1, "wrong", wrong=str(each.error))


def _wrong(result: Any, lines: Mapping[int, int]) -> Iterator[Line]:
    for row in result.invalid_rows:
        told = " ".join(f"{name}: {' '.join(texts)}" for name, texts in row.error_dict.items())
        yield Line(lines[row.number], "wrong", wrong=told.replace("category_id:", "category:"))
    for row in result.error_rows:
        yield Line(lines[row.number], "wrong", wrong=" ".join(str(each.error) for each in row.errors))


def _new(resource: SheetResource, line: int, instance: Model, told: Collection[Field]) -> Line:
    now = resource.values(instance)
    values = [(field.column_name, resource.as_cell(field, now[field.column_name])) for field in told]
    return Line(
        line, "new", changes=tuple((name, "", _cell(value)) for name, value in values if value not in {"", None})
    )


def _changed(resource: SheetResource, line: int, instance: Model) -> Line:
    changes = resource.changes(instance).items()
    return Line(line, "changed", str(instance), tuple((name, _cell(was), _cell(now)) for name, (was, now) in changes))


def _cells(row: Line) -> tuple[Any, ...]:
    kind = formatters.badge(row.kind, COLOURS.get(row.kind, ""))
    if row.wrong:
        return str(row.line), row.name, kind, row.wrong
    if row.kind == "new":
        values = ((name, now) for name, _, now in row.changes)
        return str(row.line), "", kind, format_html_join(" ", '<span class="tp-change">{} <b>{}</b></span>', values)
    change = '<span class="tp-change">{} <s>{}</s> → <b>{}</b></span>'
    return str(row.line), row.name, kind, format_html_join(" ", change, row.changes)


def _cell(value: Any) -> str:
    text = str(value)
    if not text:
        return "nothing"
    return text if len(text) <= CELL_SHOWN_CHARS_MAX else f"{text[:CELL_SHOWN_CHARS_MAX]}…"


def impossible(why: str) -> ChangePreview[Line]:
    """Return that nothing can be done, and why."""
    return ChangePreview(why, (), (), _cells, 0)
