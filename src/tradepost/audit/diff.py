"""Audit entries for people to read: fields with their verbose names, related rows with their names."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import msgspec
from django.apps import apps
from django.db.models import Field, Model

from tradepost.audit.models import Entry

SECRET = "secret"  # noqa: S105 - what triggers write in place of a secret value
NOTHING = "–"


class FieldChange(msgspec.Struct, frozen=True):
    """A changed field: its name, and its old and new value as text."""

    name: str
    was: str
    is_now: str


type _Names = dict[tuple[type[Model], Any], str]  # names of related rows, by model and id


def differences(entries: Iterable[Entry]) -> dict[int, list[FieldChange]]:
    """Return the changed fields by entry id. Takes one query for each model that the entries' fields point to."""
    entries = list(entries)
    names = _related_names(entries)
    return {entry.pk: list(_differences(entry, names)) for entry in entries}


def model_of(name: str) -> type[Model] | None:
    """Return the model of this label; None if it no longer exists."""
    try:
        return apps.get_model(name)
    except (LookupError, ValueError):
        return None


def _differences(entry: Entry, names: _Names) -> Iterator[FieldChange]:
    before, after = entry.before or {}, entry.after or {}
    fields = _fields(entry.model)
    for column in sorted({**before, **after}):
        field = fields.get(column)
        was, is_now = (_value_text(values.get(column), field, names) for values in (before, after))
        if before.get(column) == SECRET or after.get(column) == SECRET:
            was, is_now = NOTHING, "changed"
        yield FieldChange(str(field.verbose_name) if field else column, was, is_now)


def _value_text(value: Any, field: "Field[Any, Any] | None", names: _Names) -> str:
    if value in (None, "", []):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    related = field.related_model if field else None
    return names.get((related, value), f"{value}") if isinstance(related, type) else str(value)


def _related_names(entries: list[Entry]) -> _Names:
    ids_by_model: dict[type[Model], set[Any]] = {}
    for entry in entries:
        fields = _fields(entry.model)
        for column, value in chain((entry.before or {}).items(), (entry.after or {}).items()):
            field = fields.get(column)
            if field and isinstance(field.related_model, type) and value is not None:
                ids_by_model.setdefault(field.related_model, set()).add(value)
    return {
        (model, pk): str(row)
        for model, ids in ids_by_model.items()
        for pk, row in model._default_manager.in_bulk(list(ids)).items()  # noqa: SLF001 - documented
    }


def _fields(name: str) -> dict[str, "Field[Any, Any]"]:
    """Return a model's fields by column, with the fields of its many-to-many tables."""
    model = model_of(name)
    if model is None:
        return {}
    options = model._meta  # noqa: SLF001 - documented
    link_models = [field.remote_field.through for field in options.many_to_many]
    link_fields = (through._meta.concrete_fields for through in link_models if through)  # noqa: SLF001 - documented
    return {str(field.column): field for field in chain(*link_fields, options.concrete_fields)}
