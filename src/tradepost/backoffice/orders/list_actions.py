"""What can be done to the orders that are ticked in a list: each leads to a look at it first, or to a file."""

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

type _Act = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponseBase | None]


class BulkActionsMixin(Base):
    """Put before a `ModelAdmin` whose rows are orders, or have the primary key of one."""

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """Offer what whoever looks may have done; a single order's page has buttons of its own."""
        actions: dict[str, Any] = dict(super().get_actions(request, action_location))
        if action_location is not ActionLocation.CHANGE_LIST:
            return actions
        if request.user.has_perm("orders.change_order"):
            actions |= {
                kind.name.lower(): _offer(partial(_draft, kind), kind.name.lower(), kind.label)
                for kind in BulkActionKind
            }
        if request.user.has_perm("orders.export_order"):
            actions["export"] = _offer(_export, "export", "Export as CSV")
        return actions


def _offer(act: _Act, name: str, label: str) -> Action:
    places = [ActionLocation.CHANGE_LIST]
    return Action(func=act, name=name, description=label, plural_description=label, locations=places)


def _draft(
    kind: BulkActionKind, model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]
) -> HttpResponse | None:
    """Lead to a look at what would be done."""
    chosen = lifecycle.order_ids(queryset)
    if not chosen:
        model_admin.message_user(request, "No order was chosen.", messages.WARNING)
        return None
    assert isinstance(request.user, Account), "nobody gets here without signing in"
    return redirect("admin:orders_bulkaction_change", lifecycle.draft(kind, request.user, chosen).pk)


def _export(_model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
    return csv_export.answer(request, Order.objects.filter(pk__in=lifecycle.order_ids(queryset)))
