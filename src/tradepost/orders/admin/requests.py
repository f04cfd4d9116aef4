"""Refills and cancel requests in the back office; those of services by hand are settled here."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import ChoicesDropdownFilter, ModelAdmin
from tradepost.engine.statuses import RefillStatus
from tradepost.orders import requests
from tradepost.orders.models import CancelRequest, Refill


@admin.register(Refill)
class RefillAdmin(ReadOnly, Endless, ModelAdmin[Refill]):
    """Refills that customers asked for; those of services by hand are moved on here."""

    list_display = ("id", "order", "account", "status", "created", "changed")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)
    created = showing.time_of("created_at", "created")
    changed = showing.time_of("updated_at", "updated")
    actions = ("start", "complete", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change refills may move them on; what is allowed decides the engine."""
        return request.user.has_perm("orders.change_refill")

    @admin.action(description="Start", permissions=["settle"])
    def start(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that they are in progress."""
        self._settle(request, queryset, RefillStatus.IN_PROGRESS)

    @admin.action(description="Complete", permissions=["settle"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that they are done."""
        self._settle(request, queryset, RefillStatus.COMPLETED)

    @admin.action(description="Reject", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that there will be none."""
        self._settle(request, queryset, RefillStatus.REJECTED)

    def _settle(self, request: HttpRequest, queryset: QuerySet[Refill], status: RefillStatus) -> None:
        moved = requests.settle_refills([refill.pk for refill in queryset], status)
        self.message_user(request, f"{moved} moved to {status.value}.", messages.SUCCESS)


@admin.register(CancelRequest)
class CancelRequestAdmin(ReadOnly, Endless, ModelAdmin[CancelRequest]):
    """Orders under way that customers want canceled: give back what is undelivered, or let them go on."""

    list_display = ("id", "order", "account", "order_status", "remains", "state", "created", "settled")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)
    created = showing.time_of("created_at", "created")
    settled = showing.time_of("settled_at", "settled")
    actions = ("accept", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change cancel requests may settle them."""
        return request.user.has_perm("orders.change_cancelrequest")

    @admin.display(description="order is")
    def order_status(self, asked: CancelRequest) -> SafeString:
        """Show where the order stands."""
        return showing.status(asked.order.status)

    @showing.figure("remains")
    def remains(self, asked: CancelRequest) -> str:
        """Show how much of the order is undelivered."""
        return f"{asked.order.remains} of {asked.order.quantity}"

    @admin.action(description="Cancel the orders, give back what remains", permissions=["settle"])
    def accept(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """End the orders: Canceled if nothing was delivered, else Partial."""
        ended = requests.accept_cancels([asked.pk for asked in queryset], actor=str(request.user))
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)

    @admin.action(description="Reject, let the orders go on", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """Close the requests; the orders are left as they are."""
        rejected = requests.reject_cancels([asked.pk for asked in queryset])
        self.message_user(request, f"{rejected} rejected.", messages.SUCCESS)
