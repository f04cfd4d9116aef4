"""What staff can do to the orders ticked in a list: start a bulk action, which is previewed first, or export them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.options import Action, ActionLocation
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from tradepost.accounts.models import Account
from tradepost.backoffice.orders import csv_export
from tradepost.orders.bulk_action_types import BulkActionKind
from tradepost.orders.bulk_actions import lifecycle
from tradepost.orders.models import Order

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Any]
else:
    Base = object

type _ActionFunction = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]


class BulkActionsMixin(Base):
    """Adds bulk actions and the CSV export to a list whose rows are orders or have an order's primary key."""

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """Add the actions that this user may run. The order page has buttons of its own."""
        actions: dict[str, Any] = dict(super().get_actions(request, action_location))
        if action_location is not ActionLocation.CHANGE_LIST:
            return actions
        actions |= {
            kind.name.lower(): _list_action(partial(_draft_bulk_action, kind), kind.name.lower(), kind.label)
            for kind in BulkActionKind
            if may_start(request, kind)
        }
        if request.user.has_perm("orders.export_order"):
            actions["export"] = _list_action(_export_orders, "export", "Export as CSV")
        return actions


def may_start(request: HttpRequest, kind: BulkActionKind) -> bool:
    """Return whether this user may act on orders in this way. A message to a provider has its own ids of the orders."""
    if kind is BulkActionKind.TELL_PROVIDER and not request.user.has_perm("orders.tell_provider"):
        return False
    return request.user.has_perm("orders.change_order")


def _list_action(function: _ActionFunction, name: str, label: str) -> Action:
    places = [ActionLocation.CHANGE_LIST]
    return Action(func=function, name=name, description=label, plural_description=label, locations=places)


def _draft_bulk_action(
    kind: BulkActionKind, model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Draft the bulk action and redirect to its preview."""
    order_ids = lifecycle.order_ids(queryset)
    if not order_ids:
        model_admin.message_user(request, "No order was chosen.", messages.WARNING)
        return None
    assert isinstance(request.user, Account), "the page requires sign-in"
    return redirect("admin:orders_bulkaction_change", lifecycle.draft(kind, request.user, order_ids).pk)


def _export_orders(_model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
    return csv_export.export_response(request, Order.objects.filter(pk__in=lifecycle.order_ids(queryset)))
