"""Entries about what staff does to rows that no trigger watches: orders above all, whose events tell the rest."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.apps import apps
from django.db import connection
from django.http import HttpRequest, HttpResponse

from tradepost.staff.models import Entry
from tradepost.staff.watched import WATCHED

MODELS = frozenset(watched.model for watched in WATCHED)
IDS_MAX = 1_000  # of what was ticked; beyond them only how many there were
LED_ON = (301, 302, 303)
BACK_OFFICE = "/admin/"
EVERYBODYS = frozenset({"login", "logout"})
_NOTE = "SELECT note_entry(%s, %s, %s, '', '', %s, NULL, %s)"


def note(model: str, object_id: object, label: str, after: dict[str, Any]) -> None:
    """Write down what was done; by whom is told by whoever is acting."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [model, str(object_id), label, Entry.DO, msgspec.json.encode(after).decode()])


def note_message(row: Any, message: object) -> None:
    """Write down what an action says it did to a row. What a form says is left out: the row's change tells it."""
    if isinstance(message, str):
        note(row._meta.label_lower, row.pk, str(row), {"done": message})  # noqa: SLF001 - documented


def note_request(request: HttpRequest, response: HttpResponse) -> None:
    """Write down what a page, a button or an action of the back office did to rows that nothing watches.

    Only what led on to another page did something: a form to fill in, a question back or a refusal doesn't.
    """
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    led_on = response.status_code in LED_ON or "HX-Redirect" in response.headers
    if not led_on or not request.path.startswith(BACK_OFFICE) or name in EVERYBODYS:
        return
    model, verb = _split(name)
    action = request.POST.get("action", "") if verb == "changelist" else verb
    if model in MODELS or not action.isidentifier():
        return
    row = request.resolver_match.kwargs.get("object_id", "") if request.resolver_match else ""
    ticked = [id_ for id_ in request.POST.getlist("_selected_action") if id_.isdecimal()]
    note(model, row if row.isdecimal() else "", "", {"done": action, **_which(ticked)})


def _split(name: str) -> tuple[str, str]:
    """Return the model and the verb of an address's name in the admin; of another page its name for both."""
    app, _, rest = name.partition("_")
    model, _, verb = rest.partition("_")
    return (f"{app}.{model}", verb) if verb and apps.all_models.get(app, {}).get(model) else (name, name)


def _which(ticked: Sequence[str]) -> dict[str, object]:
    if not ticked:
        return {}
    return {"rows": list(ticked)} if len(ticked) <= IDS_MAX else {"rows_ticked": len(ticked)}
