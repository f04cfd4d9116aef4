"""Work by hand: staff take orders, report on them and finish them, and settle customers' requests.

The pages are for staff who fulfil, at a desk or on a phone. They show no money, and each button has a key.
"""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site
from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.engine.routing import Fulfilment
from tradepost.engine.settling import Report, SettleResult
from tradepost.engine.statuses import DELIVERING, OPEN_REFILL, SUBSCRIBED, CancelState, Dispatch, RefillStatus, Status
from tradepost.orders import customer_requests, manual_work
from tradepost.orders.models import IS_ACTIVE, CancelRequest, Order, OrderAssignment, Refill

SHOWN_MAX = 50
SERVICES_MAX = 200
SEARCHED_MAX = 20_000  # of the oldest waiting orders, when filtered by service
FULFIL_PERMISSION = "orders.fulfil_order"
CANCEL_PERMISSION = "orders.change_cancelrequest"
REFILL_PERMISSION = "orders.change_refill"
WHOSE = {"free": "Unassigned", "mine": "Mine", "all": "All"}


class ReportForm(forms.Form):
    """The progress of an order."""

    start_count = forms.IntegerField(required=False, min_value=0, max_value=BIGINT_MAX)
    remains = forms.IntegerField(required=False, min_value=0)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data, initial={"start_count": order.start_count, "remains": order.remains})
        self._quantity = order.quantity

    def clean_remains(self) -> int | None:
        """Refuse more than was ordered."""
        remains: int | None = self.cleaned_data["remains"]
        if remains is not None and remains > self._quantity:
            raise forms.ValidationError(f"It was ordered {formats.whole(self._quantity)} only.")
        return remains


def manual_work_orders(request: HttpRequest) -> HttpResponse:
    """Show the waiting orders: the unassigned ones, the user's own, or all."""
    _require_permission(request, FULFIL_PERMISSION)
    whose = request.GET.get("whose", "free")
    service = _number(request.GET.get("service"))
    waiting = _waiting_orders(_user_id(request), whose, service)
    context = {
        "orders": [_row(order) for order in waiting],
        "whose": whose,
        **_services(service),
        "choices": [(key, title, _url("manual_work", whose=key, service=service)) for key, title in WHOSE.items()],
        "is_cut": len(waiting) == SHOWN_MAX,
    }
    return _render_page(request, "manual_work", "Manual work", context)


def manual_work_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an order, and save what the user reports on it."""
    _require_permission(request, FULFIL_PERMISSION)
    order = _manual_order(pk)
    form = ReportForm(order, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _save_report(request, order, form)
    assignment = OrderAssignment.objects.filter(order=order).select_related("assignee").first()
    context = {
        "order": order,
        "status": formatters.status_badge(order.status),
        "link": formatters.full_link(order.link),
        "parameters": [(name.replace("_", " "), value) for name, value in (order.fields or {}).items()],
        "form": form,
        "counts": order.parts is None,
        "taken": assignment,
        "is_mine": assignment is not None and assignment.assignee_id == request.user.pk,
        "is_over": order.status not in {*DELIVERING, *SUBSCRIBED},
    }
    return _render_page(request, "manual_work_order", f"Order {order.pk}", context)


@require_POST
def take_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Assign an order to the user, and show it."""
    _require_permission(request, FULFIL_PERMISSION)
    with transaction.atomic():
        is_taken = manual_work.take(engine_connection(), pk, _user_id(request))
    if not is_taken:
        messages.warning(request, f"Order {pk} is somebody else's, or over.")
    return redirect("manual_work_order", pk)


@require_POST
def take_next_order(request: HttpRequest) -> HttpResponse:
    """Assign the oldest unassigned order to the user, and show it."""
    _require_permission(request, FULFIL_PERMISSION)
    service = _number(request.POST.get("service"))
    with transaction.atomic():
        order = manual_work.take_next(engine_connection(), _user_id(request), service)
    if order is None:
        messages.info(request, "Nothing waits to be taken.")
        return redirect(_url("manual_work", service=service))
    return redirect("manual_work_order", order)


def manual_work_cancels(request: HttpRequest) -> HttpResponse:
    """Show cancel requests that only staff can settle."""
    _require_permission(request, CANCEL_PERMISSION)
    requests = CancelRequest.objects.filter(state=CancelState.OPEN.value, is_accepted_upstream=False)
    return _render_page(request, "manual_work_cancels", "Cancel requests", _request_rows(request, requests))


def manual_work_refills(request: HttpRequest) -> HttpResponse:
    """Show refills that no provider was asked for."""
    _require_permission(request, REFILL_PERMISSION)
    requests = Refill.objects.filter(status__in=[status.value for status in OPEN_REFILL], upstream_id="")
    return _render_page(request, "manual_work_refills", "Refills", _request_rows(request, requests))


@require_POST
def settle_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the order and refund what remains, or let the order go on."""
    _require_permission(request, CANCEL_PERMISSION)
    if "accept" in request.POST:
        done = customer_requests.accept_cancels([pk], actor=str(request.user))
        text = "It is canceled."
    else:
        done, text = customer_requests.reject_cancels([pk]), "It goes on."
    _show_result(request, text if done else "")
    return redirect("manual_work_cancels")


@require_POST
def settle_refill(request: HttpRequest, pk: int) -> HttpResponse:
    """Start, complete or reject a refill."""
    _require_permission(request, REFILL_PERMISSION)
    to = next((status for word, status in _REFILL_STATUSES.items() if word in request.POST), RefillStatus.REJECTED)
    done = customer_requests.settle_refills([pk], to)
    _show_result(request, f"The refill is {to.value}." if done else "")
    return redirect("manual_work_refills")


_REFILL_STATUSES = {"accept": RefillStatus.IN_PROGRESS, "done": RefillStatus.COMPLETED, "reject": RefillStatus.REJECTED}
_STATUSES = {
    "save": Status.IN_PROGRESS,
    "complete": Status.COMPLETED,
    "partial": Status.PARTIAL,
    "cancel": Status.CANCELED,
}


def _save_report(request: HttpRequest, order: Order, form: ReportForm) -> HttpResponse:
    action = request.POST.get("do", "save")
    if action == "release":
        with transaction.atomic():
            manual_work.release(engine_connection(), order.pk, _user_id(request))
        return redirect("manual_work")
    report = _report(order, action, form)
    if report is None:
        messages.error(request, "A partial order says how much remains of it, neither nothing nor all.")
        return redirect("manual_work_order", order.pk)
    with transaction.atomic():
        outcome = manual_work.report(engine_connection(), report, _user_id(request), actor=str(request.user))
    _show_result(
        request,
        f"Order {order.pk} is {report.status}." if outcome in {SettleResult.SETTLED, SettleResult.UNCHANGED} else "",
    )
    return redirect("manual_work_order", order.pk) if action == "save" else redirect(_url("manual_work", whose="mine"))


def _report(order: Order, action: str, form: ReportForm) -> Report | None:
    """Return the report; None if a partial order lacks how much of it remains."""
    status, remains = _STATUSES.get(action, Status.IN_PROGRESS), form.cleaned_data["remains"]
    if status is Status.PARTIAL and not 0 < (remains or 0) < order.quantity:
        return None
    if status is Status.COMPLETED:
        remains = 0
    if order.parts:
        return Report(order.pk, Status(order.status) if status is Status.IN_PROGRESS else status)
    return Report(order.pk, status, form.cleaned_data["start_count"], remains)


def _waiting_orders(user_id: int, whose: str, service: int | None) -> list[Order]:
    waiting = Order.objects.filter(IS_ACTIVE, dispatch=Dispatch.NONE.value).order_by("pk")
    waiting = waiting.select_related("service", "assignment__assignee")
    if service is not None:
        last = waiting.values_list("pk", flat=True)[SEARCHED_MAX : SEARCHED_MAX + 1].first()
        waiting = waiting.filter(service=service)
        waiting = waiting if last is None else waiting.filter(pk__lt=last)
    if whose == "mine":
        waiting = waiting.filter(assignment__assignee=user_id)
    elif whose != "all":
        waiting = waiting.filter(assignment=None)
    return list(waiting[:SHOWN_MAX])


def _request_rows(request: HttpRequest, requests: QuerySet[Any]) -> dict[str, Any]:
    """Return the oldest requests, filtered by service if one is chosen."""
    service = _number(request.GET.get("service"))
    requests = (
        requests.exclude(order__dispatch=Dispatch.SIMULATED.value).select_related("order__service").order_by("pk")
    )
    requests = requests if service is None else requests.filter(order__service=service)
    return {"rows": [(request_, _row(request_.order)) for request_ in requests[:SHOWN_MAX]], **_services(service)}


def _services(chosen: int | None) -> dict[str, Any]:
    """Return the services by which the page can be filtered."""
    manual = Service.objects.filter(fulfilment=Fulfilment.MANUAL.value).order_by("name")
    return {"service": chosen, "services": manual[:SERVICES_MAX]}


def _row(order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "address": reverse("manual_work_order", args=[order.pk]),
        "status": formatters.status_badge(order.status),
        "link": formatters.short_link(order.aim),
        "delivered": f"{formats.whole(order.done)} of {formats.whole(order.quantity)}",
    }


def _render_page(request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    tabs = (
        ("manual_work", "Orders", FULFIL_PERMISSION),
        ("manual_work_cancels", "Cancel requests", CANCEL_PERMISSION),
        ("manual_work_refills", "Refills", REFILL_PERMISSION),
    )
    visible_tabs = [
        (reverse(tab), text, tab == name) for tab, text, permission in tabs if request.user.has_perm(permission)
    ]
    frame = {**site.each_context(request), "title": title, "tabs": visible_tabs}
    return TemplateResponse(request, f"backoffice/orders/{name}.html", {**frame, **context})


def _require_permission(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _user_id(request: HttpRequest) -> int:
    assert isinstance(request.user, Account), "the page requires sign-in"
    return request.user.pk


def _manual_order(pk: int) -> Order:
    order = Order.objects.filter(pk=pk, dispatch=Dispatch.NONE.value).select_related("service").first()
    if order is None:
        raise Http404
    return order


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _url(name: str, **parameters: str | int | None) -> str:
    query = {key: value for key, value in parameters.items() if value is not None}
    return f"{reverse(name)}?{urlencode(query)}" if query else reverse(name)


def _show_result(request: HttpRequest, done: str) -> None:
    if done:
        messages.success(request, done)
    else:
        messages.error(request, "Nothing was changed: meanwhile it has moved on.")


urlpatterns = [
    path("", site.admin_view(manual_work_orders), name="manual_work"),
    path("next/", site.admin_view(take_next_order), name="manual_work_next"),
    path("cancels/", site.admin_view(manual_work_cancels), name="manual_work_cancels"),
    path("cancels/<int:pk>/", site.admin_view(settle_cancel), name="manual_work_cancel"),
    path("refills/", site.admin_view(manual_work_refills), name="manual_work_refills"),
    path("refills/<int:pk>/", site.admin_view(settle_refill), name="manual_work_refill"),
    path("<int:pk>/", site.admin_view(manual_work_order), name="manual_work_order"),
    path("<int:pk>/take/", site.admin_view(take_order), name="manual_work_take"),
]
