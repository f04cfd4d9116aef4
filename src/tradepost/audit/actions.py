"""Entries about what staff does to rows that no trigger watches: orders above all, whose events tell the rest."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from tradepost.audit.models import Entry
from tradepost.audit.tables import AUDITED_TABLES
from tradepost.engine import keys

MODELS = frozenset(watched.model for watched in AUDITED_TABLES)
IDS_MAX = 1_000  # of what was ticked or matched; beyond them only how many there were
COUNTED_MAX = 10_000  # what matches is counted so far: no list acts on more at once
MATCHED = "matched"  # where a request keeps the ids of what it chose by a filter
LED_ON = (301, 302, 303)
BACK_OFFICE = "/admin/"
EVERYBODYS = frozenset({"login", "logout"})
DECIDED = frozenset({"orders.refill", "orders.cancelrequest"})  # one by one: each row's entries tell who did
SAY_IT_THEMSELVES = frozenset({"orders.bulkaction"})  # what was done, and to how many
PAGES_OF = {
    "manual_work_order": "orders.order",
    "manual_work_take": "orders.order",
    "manual_work_cancel": "orders.cancelrequest",
    "manual_work_refill": "orders.refill",
}
# Buttons that a page has beside others: by the value of `do`, or by a name of their own.
VALUES = frozenset({"save", "complete", "partial", "cancel", "release"})
BUTTONS = ("accept", "done", "reject")
_NOTE = "SELECT audit_note(%s, %s, %s, '', '', %s, NULL, %s)"


def note(model: str, object_id: object, label: str, after: dict[str, Any]) -> None:
    """Write down what was done; by whom is told by whoever is acting."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [model, str(object_id), label, Entry.DO, msgspec.json.encode(after).decode()])


def note_message(row: Any, message: object) -> None:
    """Write down what an action says it did to a row. What a form says is left out: the row's change tells it."""
    if isinstance(message, str):
        note(row._meta.label_lower, row.pk, str(row), {"done": message})  # noqa: SLF001 - documented


def remember_matched(request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Keep which rows an action is about that was chosen for all that match: once it is done others may.

    That is to be called before the action; `note_request` tells it afterwards.
    """
    if _is_across(request):
        setattr(
            request, MATCHED, [str(pk) for pk in rows.order_by("-pk").values_list("pk", flat=True)[: COUNTED_MAX + 1]]
        )


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
    if model in MODELS or model in SAY_IT_THEMSELVES or not action.isidentifier():
        return
    chosen = _chosen(request)
    if model in DECIDED and 0 < len(chosen) <= IDS_MAX:
        for row in chosen:
            note(model, row, "", {"done": action, **_filter(request)})
        return
    done = {"done": action, **_button(request), **_filter(request), **_which(chosen)}
    note(PAGES_OF.get(model, model), _row(request), "", done)


def _row(request: HttpRequest) -> str:
    """Return the id that the address of a page has; empty if it is about no row."""
    told = request.resolver_match.kwargs if request.resolver_match else {}
    row = str(told.get("object_id", told.get("pk", "")))
    return row if row.isdecimal() else ""


def _split(name: str) -> tuple[str, str]:
    """Return the model and the verb of an address's name in the admin; of another page its name for both."""
    for app, models in apps.all_models.items():
        model, _, verb = name.removeprefix(f"{app}_").partition("_")
        if verb and name.startswith(f"{app}_{model}_") and model in models:
            return f"{app}.{model}", verb
    return name, name


def _button(request: HttpRequest) -> dict[str, object]:
    """Return which of a page's buttons was pressed, if it has several; nothing that was typed."""
    value = request.POST.get("do", "")
    button = value if value in VALUES else next((name for name in BUTTONS if name in request.POST), "")
    return {"button": button} if button else {}


def _is_across(request: HttpRequest) -> bool:
    """Tell whether all that match were chosen, and not merely what the page shows of them."""
    return request.POST.get("select_across", "0") not in {"", "0"}


def _chosen(request: HttpRequest) -> list[str]:
    """Return the ids of what an action was about: all that matched, or what was ticked."""
    matched: list[str] = getattr(request, MATCHED, [])
    return matched or [id_ for id_ in request.POST.getlist("_selected_action") if id_.isdecimal()]


def _filter(request: HttpRequest) -> dict[str, object]:
    """Return by what the rows were chosen, if all that match were: the list's parameters, without any key."""
    if not _is_across(request):
        return {}
    asked = {name: str(value) for name, value in request.GET.items()}
    return {"filter": {name: value for name, value in asked.items() if not value.strip().startswith(keys.PREFIX)}}


def _which(chosen: Sequence[str]) -> dict[str, object]:
    if not chosen:
        return {}
    if len(chosen) > COUNTED_MAX:
        return {"rows_chosen": f"more than {COUNTED_MAX:,}"}
    return {"rows": list(chosen)} if len(chosen) <= IDS_MAX else {"rows_chosen": len(chosen)}
