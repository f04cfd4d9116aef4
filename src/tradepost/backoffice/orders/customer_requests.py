"""Refills and cancel requests in the back office; those of services by hand are settled here."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin
from tradepost.engine.statuses import RefillStatus
from tradepost.orders import customer_requests
from tradepost.orders.models import CancelRequest, Refill

OF_ACCOUNTS = frozenset({"account"})
OF_PROVIDERS = frozenset({"upstream_id", "polled_at", "forwarded_at", "is_accepted_upstream"})


class CustomerRequestAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Any]):
    """What a customer asks for: whose it is, and what its provider makes of it, only for those who may see these."""

    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show the columns that one may see."""
        hidden = _hidden(request)
        return [name for name in super().get_list_display(request) if name not in hidden]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the fields that one may see."""
        hidden = _hidden(request)
        return [name for name in super().get_fields(request, obj) if name not in hidden]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let nobody guess, by what an address finds, what they may not see."""
        if request is None or lookup.partition("__")[0] in _hidden(request):
            return False
        return super().lookup_allowed(lookup, value, request)


def _hidden(request: HttpRequest) -> frozenset[str]:
    accounts = frozenset() if request.user.has_perm("accounts.view_account") else OF_ACCOUNTS
    return accounts if request.user.has_perm("providers.view_provider") else accounts | OF_PROVIDERS


@register(Refill)
class RefillAdmin(CustomerRequestAdmin):
    """Refills that customers asked for; those of services by hand are moved on here."""

    list_display = ("id", "order", "account", "status", "created", "changed")
    list_filter = (("status", ChoicesDropdownFilter),)
    fields = ("id", "order", "account", "status", "created", "changed", "upstream_id", "polled_at")
    created = formatters.timestamp_column("created_at", "created")
    changed = formatters.timestamp_column("updated_at", "updated")
    readonly_fields = ("created", "changed")
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
        moved = customer_requests.settle_refills([refill.pk for refill in queryset], status)
        self.message_user(request, f"{moved} moved to {status.value}.", messages.SUCCESS)


@register(CancelRequest)
class CancelRequestAdmin(CustomerRequestAdmin):
    """Orders under way that customers want canceled: give back what is undelivered, or let them go on."""

    list_display = ("id", "order", "account", "order_status", "remains", "state", "created", "settled")
    list_filter = (("state", ChoicesDropdownFilter),)
    readonly_fields = ("order_status", "remains", "created", "settled")
    fields = (
        "id", "order", "account", "order_status", "remains", "state", "created", "settled", "forwarded_at",
        "is_accepted_upstream",
    )  # fmt: skip
    created = formatters.timestamp_column("created_at", "created")
    settled = formatters.timestamp_column("settled_at", "settled")
    actions = ("accept", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change cancel requests may settle them."""
        return request.user.has_perm("orders.change_cancelrequest")

    @admin.display(description="order is")
    def order_status(self, asked: CancelRequest) -> SafeString:
        """Show where the order stands."""
        return formatters.status_badge(asked.order.status)

    @formatters.numeric_column("remains")
    def remains(self, asked: CancelRequest) -> str:
        """Show how much of the order is undelivered."""
        return f"{asked.order.remains} of {asked.order.quantity}"

    @admin.action(description="Cancel the orders, give back what remains", permissions=["settle"])
    def accept(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """End the orders: Canceled if nothing was delivered, else Partial."""
        ended = customer_requests.accept_cancels([asked.pk for asked in queryset], actor=str(request.user))
        self.message_user(request, f"{ended} ended.", messages.SUCCESS)
        if left := len(queryset) - ended:
            text = f"{left} left as they are: over already, or to be settled among the unsure ones."
            self.message_user(request, text, messages.WARNING)

    @admin.action(description="Reject, let the orders go on", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """Close the requests; the orders are left as they are."""
        rejected = customer_requests.reject_cancels([asked.pk for asked in queryset])
        self.message_user(request, f"{rejected} rejected.", messages.SUCCESS)
