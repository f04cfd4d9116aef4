"""Entries of the log as people read them: fields by their names, rows by what they are called."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import Field, Model

from tradepost.audit.models import Entry

SECRET = "secret"  # noqa: S105 - what triggers write in place of one
NOTHING = "–"


class FieldChange(msgspec.Struct, frozen=True):
    """A field that was changed: its name, and what it was and is, as text."""

    name: str
    was: str
    is_now: str


type _Names = dict[tuple[type[Model], Any], str]  # of rows that fields point to, by their model and id


def differences(entries: Iterable[Entry]) -> dict[int, list[FieldChange]]:
    """Return what each entry changed, by the entry's id; whatever they point to is looked up once a model."""
    entries = list(entries)
    names = _names(entries)
    return {entry.pk: list(_differences(entry, names)) for entry in entries}


def model_of(name: str) -> type[Model] | None:
    """Return the model that is called so in entries; None for one that is gone."""
    try:
        return apps.get_model(name)
    except (LookupError, ValueError):
        return None


def _differences(entry: Entry, names: _Names) -> Iterator[FieldChange]:
    before, after = entry.before or {}, entry.after or {}
    fields = _fields(entry.model)
    for column in sorted({**before, **after}):
        field = fields.get(column)
        was, is_now = (_shown(side.get(column), field, names) for side in (before, after))
        if before.get(column) == SECRET or after.get(column) == SECRET:
            was, is_now = NOTHING, "changed"
        yield FieldChange(str(field.verbose_name) if field else column, was, is_now)


def _shown(value: Any, field: "Field[Any, Any] | None", names: _Names) -> str:
    if value in (None, "", []):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    related = field.related_model if field else None
    return names.get((related, value), f"{value}") if isinstance(related, type) else str(value)


def _names(entries: list[Entry]) -> _Names:
    asked: dict[type[Model], set[Any]] = {}
    for entry in entries:
        fields = _fields(entry.model)
        for column, value in chain((entry.before or {}).items(), (entry.after or {}).items()):
            field = fields.get(column)
            if field and isinstance(field.related_model, type) and value is not None:
                asked.setdefault(field.related_model, set()).add(value)
    return {
        (model, pk): str(row)
        for model, ids in asked.items()
        for pk, row in model._default_manager.in_bulk(list(ids)).items()  # noqa: SLF001 - documented
    }


def _fields(name: str) -> dict[str, "Field[Any, Any]"]:
    """Return a model's fields by their columns, with those of the rows that link it to others."""
    model = model_of(name)
    if model is None:
        return {}
    options = model._meta  # noqa: SLF001 - documented
    between = [link.remote_field.through for link in options.many_to_many]
    links = (through._meta.concrete_fields for through in between if through)  # noqa: SLF001 - documented
    return {str(field.column): field for field in chain(*links, options.concrete_fields)}
