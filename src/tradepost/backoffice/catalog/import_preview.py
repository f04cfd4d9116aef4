"""The preview of an import: what each line of the file would change."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from django.db.models import Model
from django.utils.html import format_html_join
from import_export.fields import Field

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.catalog.import_export.files import ParsedFile
from tradepost.catalog.import_export.resources import SheetResource

CELL_SHOWN_CHARS_MAX = 60
COLOURS = {"wrong": "danger", "changed": "info", "new": "success"}


class ImportLine(NamedTuple):
    """What a line of the file would change: columns with their old and new values, or what is wrong with the line."""

    line: int
    kind: str
    name: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    wrong: str = ""


def preview_import(resource: SheetResource, result: Any, sheet: ParsedFile) -> ChangePreview[ImportLine]:
    """Return the preview of an import: wrong lines first, then changed, new and unchanged ones."""
    wrong = [*_base_errors(result), *_row_errors(result, dict(enumerate(sheet.lines, 1)))]
    rows = list(zip(sheet.lines, result.rows, strict=False))
    columns = set(sheet.dataset.headers or ()) - {"id"}  # a new row has no id yet
    fields = [field for field in resource.get_import_fields() if field.column_name in columns]
    new = [_new(resource, line, row.instance, fields) for line, row in rows if row.is_new()]
    changed = [_changed(resource, line, row.instance) for line, row in rows if row.is_update()]
    same = [ImportLine(line, "unchanged", row.object_repr) for line, row in rows if row.is_skip()]
    counts = {"new": new, "changed": changed, "unchanged": same, "wrong": wrong}
    summary = ", ".join(f"{formats.whole(len(lines))} {kind}" for kind, lines in counts.items())
    warnings = list(sheet.notes)
    if wrong:
        warnings.append("Nothing is imported while anything is wrong: correct the file and choose it again.")
    count = 0 if wrong else len(new) + len(changed)
    headers = ("Line", "Row", "", "Changes")
    return ChangePreview(summary, headers, [*wrong, *changed, *new, *same], _cells, count, warnings)


def _base_errors(result: Any) -> Iterator[ImportLine]:
    for error in result.base_errors:
        yield ImportLine(1, "wrong", wrong=str(error.error))


def _row_errors(result: Any, lines: Mapping[int, int]) -> Iterator[ImportLine]:
    for row in result.invalid_rows:
        text = " ".join(f"{name}: {' '.join(texts)}" for name, texts in row.error_dict.items())
        yield ImportLine(lines[row.number], "wrong", wrong=text.replace("category_id:", "category:"))
    for row in result.error_rows:
        yield ImportLine(lines[row.number], "wrong", wrong=" ".join(str(error.error) for error in row.errors))


def _new(resource: SheetResource, line: int, instance: Model, fields: Collection[Field]) -> ImportLine:
    now = resource.values(instance)
    values = [(field.column_name, resource.as_cell(field, now[field.column_name])) for field in fields]
    return ImportLine(
        line, "new", changes=tuple((name, "", _cell(value)) for name, value in values if value not in {"", None})
    )


def _changed(resource: SheetResource, line: int, instance: Model) -> ImportLine:
    changes = resource.changes(instance).items()
    return ImportLine(
        line, "changed", str(instance), tuple((name, _cell(was), _cell(now)) for name, (was, now) in changes)
    )


def _cells(row: ImportLine) -> tuple[Any, ...]:
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


def failed_preview(why: str) -> ChangePreview[ImportLine]:
    """Return a preview of no rows that says why the import failed."""
    return ChangePreview(why, (), (), _cells, 0)
