"""Audit entries for actions of staff on tables without an audit trigger, above all on orders, which have events."""

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

MODELS = frozenset(table.model for table in AUDITED_TABLES)
IDS_MAX = 1_000  # in one entry; for more rows, the entry has only their number
COUNTED_MAX = 10_000  # no list acts on more rows at once
MATCHED = "matched"  # the attribute of a request with the ids of the rows that match its filter
REDIRECTS = (301, 302, 303)
BACK_OFFICE = "/admin/"
SIGN_IN_PAGES = frozenset({"login", "logout"})
ONE_ENTRY_A_ROW = frozenset({"orders.refill", "orders.cancelrequest"})  # so that each row's history is complete
LOG_THEMSELVES = frozenset({"orders.bulkaction"})  # by `log_action`, with the number of rows
MODELS_BY_PAGE = {
    "manual_work_order": "orders.order",
    "manual_work_take": "orders.order",
    "manual_work_cancel": "orders.cancelrequest",
    "manual_work_refill": "orders.refill",
}
# Pages with several buttons: the values of a button named `do`, and the names of other buttons.
DO_VALUES = frozenset({"save", "complete", "partial", "cancel", "release"})
BUTTONS = ("accept", "done", "reject")
_NOTE = "SELECT audit_note(%s, %s, %s, '', '', %s, NULL, %s)"


def log_action(model: str, object_id: object, label: str, after: dict[str, Any]) -> None:
    """Write an entry. The database knows the actor (see `tradepost.audit.actor`)."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [model, str(object_id), label, Entry.DO, msgspec.json.encode(after).decode()])


def log_message(row: Any, message: object) -> None:
    """Write an entry with an action's text message. A form's message is a list; the change of its row is logged."""
    if isinstance(message, str):
        log_action(row._meta.label_lower, row.pk, str(row), {"done": message})  # noqa: SLF001 - documented


def remember_matched(request: HttpRequest, rows: QuerySet[Any]) -> None:
    """Store the ids of the rows on the request, if staff chose all rows that match the filter.

    Call this before the action: afterwards, other rows may match. `log_request` writes the entry after the action.
    """
    if _is_across(request):
        setattr(
            request, MATCHED, [str(pk) for pk in rows.order_by("-pk").values_list("pk", flat=True)[: COUNTED_MAX + 1]]
        )


def log_request(request: HttpRequest, response: HttpResponse) -> None:
    """Write an entry for a back office request that acted on rows without an audit trigger.

    A request that acted ends in a redirect. A form, a confirmation page or a refusal does not, and gets no entry.
    """
    name = (request.resolver_match and request.resolver_match.url_name) or ""
    is_redirect = response.status_code in REDIRECTS or "HX-Redirect" in response.headers
    if not is_redirect or not request.path.startswith(BACK_OFFICE) or name in SIGN_IN_PAGES:
        return
    model, verb = _model_and_verb(name)
    action = request.POST.get("action", "") if verb == "changelist" else verb
    if model in MODELS or model in LOG_THEMSELVES or not action.isidentifier():
        return
    ids = _chosen_ids(request)
    if model in ONE_ENTRY_A_ROW and 0 < len(ids) <= IDS_MAX:
        for id_ in ids:
            log_action(model, id_, "", {"done": action, **_filter(request)})
        return
    done = {"done": action, **_button(request), **_filter(request), **_rows(ids)}
    log_action(MODELS_BY_PAGE.get(model, model), _url_id(request), "", done)


def _url_id(request: HttpRequest) -> str:
    """Return the row's id in the URL; empty if the page is not about one row."""
    arguments = request.resolver_match.kwargs if request.resolver_match else {}
    id_ = str(arguments.get("object_id", arguments.get("pk", "")))
    return id_ if id_.isdecimal() else ""


def _model_and_verb(name: str) -> tuple[str, str]:
    """Split the name of an admin URL into model and verb. Any other URL's name is returned as both."""
    for app, models in apps.all_models.items():
        model, _, verb = name.removeprefix(f"{app}_").partition("_")
        if verb and name.startswith(f"{app}_{model}_") and model in models:
            return f"{app}.{model}", verb
    return name, name


def _button(request: HttpRequest) -> dict[str, object]:
    """Return the button that staff pressed, if the page has several. Text that staff typed is never logged."""
    value = request.POST.get("do", "")
    button = value if value in DO_VALUES else next((name for name in BUTTONS if name in request.POST), "")
    return {"button": button} if button else {}


def _is_across(request: HttpRequest) -> bool:
    """Return whether staff chose all rows that match the filter, on every page of the list."""
    return request.POST.get("select_across", "0") not in {"", "0"}


def _chosen_ids(request: HttpRequest) -> list[str]:
    """Return the ids of all rows that matched, or of those that staff ticked."""
    matched: list[str] = getattr(request, MATCHED, [])
    return matched or [id_ for id_ in request.POST.getlist("_selected_action") if id_.isdecimal()]


def _filter(request: HttpRequest) -> dict[str, object]:
    """Return the list's filter, if staff chose all rows that match it. API keys in it are left out."""
    if not _is_across(request):
        return {}
    parameters = {name: str(value) for name, value in request.GET.items()}
    return {"filter": {name: value for name, value in parameters.items() if not value.strip().startswith(keys.PREFIX)}}


def _rows(ids: Sequence[str]) -> dict[str, object]:
    if not ids:
        return {}
    if len(ids) > COUNTED_MAX:
        return {"rows_chosen": f"more than {COUNTED_MAX:,}"}
    return {"rows": list(ids)} if len(ids) <= IDS_MAX else {"rows_chosen": len(ids)}
