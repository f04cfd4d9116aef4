"""Canceling, refilling and repeating orders that are ticked in the list, or one by the buttons in its row."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tradepost.accounts import impersonation
from tradepost.engine.order_types import wire_ids
from tradepost.engine.placing import Mode
from tradepost.orders.models import Order
from tradepost.panel.order_actions import OrderAction, open_requests, own_orders, perform, reason_against
from tradepost.panel.requests import customer, search_text

ORDERS_MAX = 100  # as many as a request of the API may name
AGAIN = "again"
PAGE = "panel/order_actions.html"


@require_POST
def order_actions(request: HttpRequest) -> HttpResponse:
    """Ask to confirm an action on orders; after that, do it and show the result of each.

    A button in a row has the action's name and the order's id. The buttons for ticked orders have the name `action`.
    """
    back = _list_address(request)
    name, sent = _asked(request)
    ids = wire_ids([sent])
    orders = list(own_orders(customer(request)).filter(pk__in=ids).order_by("-id")) if len(ids) <= ORDERS_MAX else []
    if len(ids) > ORDERS_MAX:
        messages.error(request, _("At most %d orders at once.") % ORDERS_MAX)
    elif not orders:
        messages.error(request, _("Select an order first."))
    elif name == AGAIN:
        return redirect(_again_address(orders))
    elif name in set(OrderAction):
        return _act(request, OrderAction(name), orders, back)
    return redirect(back)


def _act(request: HttpRequest, action: OrderAction, orders: list[Order], back: str) -> HttpResponse:
    context: dict[str, object] = {"action": action.value, "back": back, "back_query": back.partition("?")[2]}
    if not request.POST.get("confirmed"):
        requested = open_requests(orders)
        asked = [(order, reason_against(action, order, requested)) for order in orders]
        possible = sum(not reason for _order, reason in asked)
        return render(request, PAGE, {**context, "asked": asked, "possible": possible})
    results = perform(action, orders, actor=impersonation.actor_of(request, Mode.WEB.value))
    if len(results) > 1:
        done = sum(result.is_done for result in results)
        return render(request, PAGE, {**context, "results": results, "done": done, "failed": len(results) - done})
    [result] = results
    say = messages.success if result.is_done else messages.error
    say(request, _("Order %(id)s: %(result)s") % {"id": result.order.pk, "result": result.text})
    return redirect(back)


def _asked(request: HttpRequest) -> tuple[str, list[str]]:
    """Return the name of the action and the ids as they were sent."""
    for action in OrderAction:
        if request.POST.get(action):
            return action.value, [request.POST[action]]
    return request.POST.get("action", ""), request.POST.getlist("order")


def _list_address(request: HttpRequest) -> str:
    """Return the address of the list with the filters and the page that the customer comes from."""
    query = QueryDict(search_text(request.POST, "back", chars_max=2_000)).urlencode()
    return f"{reverse('panel:orders')}{'?' if query else ''}{query}"


def _again_address(orders: list[Order]) -> str:
    """Return the address of a form that is filled with the orders: the order form for one, else the mass order."""
    if len(orders) == 1:
        [order] = orders
        query = urlencode({"service": order.service_id, "again": order.pk})
        return f"{reverse('panel:new_order')}?{query}"
    query = urlencode({"again": ",".join(str(order.pk) for order in orders)})
    return f"{reverse('panel:mass_order')}?{query}"
