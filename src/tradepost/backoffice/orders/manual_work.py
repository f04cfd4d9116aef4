"""Work by hand, in the back office: orders to take, to report on and to finish, and what customers ask for.

For people who fulfil, on a desk or with a phone: no money is shown, and each button has a key.
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
SEARCHED_MAX = 20_000  # of the oldest that wait, if only those of one service are asked for
MAY = "orders.fulfil_order"
MAY_CANCEL = "orders.change_cancelrequest"
MAY_REFILL = "orders.change_refill"
WHOSE = {"free": "Unassigned", "mine": "Mine", "all": "All"}


class ReportForm(forms.Form):
    """How far an order is."""

    start_count = forms.IntegerField(required=False, min_value=0, max_value=BIGINT_MAX)
    remains = forms.IntegerField(required=False, min_value=0)

    def __init__(self, order: Order, data: Any = None) -> None:
        """Ask about this order."""
        super().__init__(data, initial={"start_count": order.start_count, "remains": order.remains})
        self._most = order.quantity

    def clean_remains(self) -> int | None:
        """Take what can remain of it."""
        remains: int | None = self.cleaned_data["remains"]
        if remains is not None and remains > self._most:
            raise forms.ValidationError(f"It was ordered {self._most:,} only.")
        return remains


def show(request: HttpRequest) -> HttpResponse:
    """Show the orders that wait: free ones, one's own, or all of them."""
    _insist(request, MAY)
    whose = request.GET.get("whose", "free")
    service = _number(request.GET.get("service"))
    waiting = _waiting(_person(request), whose, service)
    context = {
        "orders": [_row(order) for order in waiting],
        "whose": whose,
        **_services(service),
        "choices": [(key, title, _address("manual_work", whose=key, service=service)) for key, title in WHOSE.items()],
        "is_cut": len(waiting) == SHOWN_MAX,
    }
    return _page(request, "manual_work", "Work by hand", context)


def show_order(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an order, and take in what is reported of it."""
    _insist(request, MAY)
    order = _by_hand(pk)
    form = ReportForm(order, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _do(request, order, form)
    taken = OrderAssignment.objects.filter(order=order).select_related("assignee").first()
    context = {
        "order": order,
        "status": formatters.status(order.status),
        "link": formatters.whole_link(order.link),
        "parameters": [(name.replace("_", " "), value) for name, value in (order.fields or {}).items()],
        "form": form,
        "counts": order.parts is None,
        "taken": taken,
        "is_mine": taken is not None and taken.assignee_id == request.user.pk,
        "is_over": order.status not in {*DELIVERING, *SUBSCRIBED},
    }
    return _page(request, "manual_work_order", f"Order {order.pk}", context)


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an order, and show it."""
    _insist(request, MAY)
    with transaction.atomic():
        is_taken = manual_work.take(engine_connection(), pk, _person(request))
    if not is_taken:
        messages.warning(request, f"Order {pk} is somebody else's, or over.")
    return redirect("manual_work_order", pk)


@require_POST
def take_next(request: HttpRequest) -> HttpResponse:
    """Take the oldest order that is free, and show it."""
    _insist(request, MAY)
    service = _number(request.POST.get("service"))
    with transaction.atomic():
        order = manual_work.take_next(engine_connection(), _person(request), service)
    if order is None:
        messages.info(request, "Nothing waits to be taken.")
        return redirect(_address("manual_work", service=service))
    return redirect("manual_work_order", order)


def show_cancels(request: HttpRequest) -> HttpResponse:
    """Show the orders that customers want canceled, and that nobody can be asked about but us."""
    _insist(request, MAY_CANCEL)
    asked = CancelRequest.objects.filter(state=CancelState.OPEN.value, is_accepted_upstream=False)
    return _page(request, "manual_work_cancels", "Cancel requests", _requests(request, asked))


def show_refills(request: HttpRequest) -> HttpResponse:
    """Show the refills that customers want, and that no provider has been asked for."""
    _insist(request, MAY_REFILL)
    asked = Refill.objects.filter(status__in=[status.value for status in OPEN_REFILL], upstream_id="")
    return _page(request, "manual_work_refills", "Refills", _requests(request, asked))


@require_POST
def settle_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel the order and give back what remains, or let it go on."""
    _insist(request, MAY_CANCEL)
    if "accept" in request.POST:
        done = customer_requests.accept_cancels([pk], actor=str(request.user))
        text = "It is canceled."
    else:
        done, text = customer_requests.reject_cancels([pk]), "It goes on."
    _tell(request, text if done else "")
    return redirect("manual_work_cancels")


@require_POST
def settle_refill(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin a refill, say that it is done, or that there will be none."""
    _insist(request, MAY_REFILL)
    to = next((status for word, status in _REFILLS.items() if word in request.POST), RefillStatus.REJECTED)
    done = customer_requests.settle_refills([pk], to)
    _tell(request, f"The refill is {to.value}." if done else "")
    return redirect("manual_work_refills")


_REFILLS = {"accept": RefillStatus.IN_PROGRESS, "done": RefillStatus.COMPLETED, "reject": RefillStatus.REJECTED}
_STATUSES = {
    "save": Status.IN_PROGRESS,
    "complete": Status.COMPLETED,
    "partial": Status.PARTIAL,
    "cancel": Status.CANCELED,
}


def _do(request: HttpRequest, order: Order, form: ReportForm) -> HttpResponse:
    do = request.POST.get("do", "save")
    if do == "release":
        with transaction.atomic():
            manual_work.release(engine_connection(), order.pk, _person(request))
        return redirect("manual_work")
    told = _report(order, do, form)
    if told is None:
        messages.error(request, "A partial order says how much remains of it, neither nothing nor all.")
        return redirect("manual_work_order", order.pk)
    with transaction.atomic():
        outcome = manual_work.report(engine_connection(), told, _person(request), actor=str(request.user))
    _tell(
        request,
        f"Order {order.pk} is {told.status}." if outcome in {SettleResult.SETTLED, SettleResult.UNCHANGED} else "",
    )
    return redirect("manual_work_order", order.pk) if do == "save" else redirect(_address("manual_work", whose="mine"))


def _report(order: Order, do: str, form: ReportForm) -> Report | None:
    """Return what is reported; None for a partial order that does not say how much of it is."""
    status, remains = _STATUSES.get(do, Status.IN_PROGRESS), form.cleaned_data["remains"]
    if status is Status.PARTIAL and not 0 < (remains or 0) < order.quantity:
        return None
    if status is Status.COMPLETED:
        remains = 0
    if order.parts:
        return Report(order.pk, Status(order.status) if status is Status.IN_PROGRESS else status)
    return Report(order.pk, status, form.cleaned_data["start_count"], remains)


def _waiting(person: int, whose: str, service: int | None) -> list[Order]:
    waiting = Order.objects.filter(IS_ACTIVE, dispatch=Dispatch.NONE.value).order_by("pk")
    waiting = waiting.select_related("service", "assignment__assignee")
    if service is not None:
        last = waiting.values_list("pk", flat=True)[SEARCHED_MAX : SEARCHED_MAX + 1].first()
        waiting = waiting.filter(service=service)
        waiting = waiting if last is None else waiting.filter(pk__lt=last)
    if whose == "mine":
        waiting = waiting.filter(assignment__assignee=person)
    elif whose != "all":
        waiting = waiting.filter(assignment=None)
    return list(waiting[:SHOWN_MAX])


def _requests(request: HttpRequest, asked: QuerySet[Any]) -> dict[str, Any]:
    """Return the oldest requests, of one service or of any."""
    service = _number(request.GET.get("service"))
    asked = asked.exclude(order__dispatch=Dispatch.SIMULATED.value).select_related("order__service").order_by("pk")
    asked = asked if service is None else asked.filter(order__service=service)
    return {"rows": [(each, _row(each.order)) for each in asked[:SHOWN_MAX]], **_services(service)}


def _services(chosen: int | None) -> dict[str, Any]:
    """Return what one may narrow the page down to."""
    manual = Service.objects.filter(fulfilment=Fulfilment.MANUAL.value).order_by("name")
    return {"service": chosen, "services": manual[:SERVICES_MAX]}


def _row(order: Order) -> dict[str, Any]:
    return {
        "order": order,
        "address": reverse("manual_work_order", args=[order.pk]),
        "status": formatters.status(order.status),
        "link": formatters.short_link(order.aim),
        "delivered": f"{order.done:,} of {order.quantity:,}",
    }


def _page(request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    tabs = (
        ("manual_work", "Orders", MAY),
        ("manual_work_cancels", "Cancel requests", MAY_CANCEL),
        ("manual_work_refills", "Refills", MAY_REFILL),
    )
    shown = [(reverse(tab), text, tab == name) for tab, text, may in tabs if request.user.has_perm(may)]
    frame = {**site.each_context(request), "title": title, "tabs": shown}
    return TemplateResponse(request, f"backoffice/orders/{name}.html", {**frame, **context})


def _insist(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _person(request: HttpRequest) -> int:
    assert isinstance(request.user, Account), "nobody gets here without signing in"
    return request.user.pk


def _by_hand(pk: int) -> Order:
    order = Order.objects.filter(pk=pk, dispatch=Dispatch.NONE.value).select_related("service").first()
    if order is None:
        raise Http404
    return order


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _address(name: str, **parameters: str | int | None) -> str:
    told = {key: value for key, value in parameters.items() if value is not None}
    return f"{reverse(name)}?{urlencode(told)}" if told else reverse(name)


def _tell(request: HttpRequest, done: str) -> None:
    if done:
        messages.success(request, done)
    else:
        messages.error(request, "Nothing was changed: meanwhile it has moved on.")


urlpatterns = [
    path("", site.admin_view(show), name="manual_work"),
    path("next/", site.admin_view(take_next), name="manual_work_next"),
    path("cancels/", site.admin_view(show_cancels), name="manual_work_cancels"),
    path("cancels/<int:pk>/", site.admin_view(settle_cancel), name="manual_work_cancel"),
    path("refills/", site.admin_view(show_refills), name="manual_work_refills"),
    path("refills/<int:pk>/", site.admin_view(settle_refill), name="manual_work_refill"),
    path("<int:pk>/", site.admin_view(show_order), name="manual_work_order"),
    path("<int:pk>/take/", site.admin_view(take), name="manual_work_take"),
]
