"""Refills and cancel requests in the back office. Staff settle those of services that are fulfilled by hand."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin
from tradepost.engine.statuses import RefillStatus
from tradepost.orders import customer_requests
from tradepost.orders.models import CancelRequest, Refill

ACCOUNT_FIELDS = frozenset({"account"})
PROVIDER_FIELDS = frozenset({"upstream_id", "polled_at", "forwarded_at", "is_accepted_upstream", "tries", "response"})


class CustomerRequestAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Any]):
    """Requests of customers. Accounts and providers are shown only to users who may view them."""

    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)

    def get_list_display(self, request: HttpRequest) -> Any:
        hidden = _hidden_fields(request)
        return [name for name in super().get_list_display(request) if name not in hidden]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = _hidden_fields(request)
        return [name for name in super().get_fields(request, obj) if name not in hidden]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters by which users could guess fields that they may not see."""
        if request is None or lookup.partition("__")[0] in _hidden_fields(request):
            return False
        return super().lookup_allowed(lookup, value, request)


def _hidden_fields(request: HttpRequest) -> frozenset[str]:
    accounts = frozenset() if request.user.has_perm("accounts.view_account") else ACCOUNT_FIELDS
    return accounts if request.user.has_perm("providers.view_provider") else accounts | PROVIDER_FIELDS


@register(Refill)
class RefillAdmin(CustomerRequestAdmin):
    """Refills that customers asked for. Staff settle those of services that are fulfilled by hand."""

    list_display = ("id", "order", "account", "status", "created", "changed", "response")
    list_filter = (("status", ChoicesDropdownFilter),)
    fields = ("id", "order", "account", "status", "created", "changed", "upstream_id", "polled", "tries", "response")
    created = formatters.timestamp_column("created_at", "created")
    changed = formatters.timestamp_column("updated_at", "updated")
    polled = formatters.timestamp_column("polled_at", "asked about")
    readonly_fields = ("created", "changed", "polled")
    actions = ("start", "complete", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Allow users who may change refills. The engine decides which moves are allowed."""
        return request.user.has_perm("orders.change_refill")

    @admin.action(description="Start", permissions=["settle"])
    def start(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        self._settle(request, queryset, RefillStatus.IN_PROGRESS)

    @admin.action(description="Complete", permissions=["settle"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        self._settle(request, queryset, RefillStatus.COMPLETED)

    @admin.action(description="Reject", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        self._settle(request, queryset, RefillStatus.REJECTED)

    def _settle(self, request: HttpRequest, queryset: QuerySet[Refill], status: RefillStatus) -> None:
        moved = customer_requests.settle_refills([refill.pk for refill in queryset], status)
        self.message_user(request, f"{formats.whole(moved)} moved to {status.value}.", messages.SUCCESS)


@register(CancelRequest)
class CancelRequestAdmin(CustomerRequestAdmin):
    """Cancel requests of orders under way. Staff cancel the order and refund the rest, or let it go on."""

    list_display = ("id", "order", "account", "order_status", "remains", "state", "created", "settled", "response")
    list_filter = (("state", ChoicesDropdownFilter),)
    readonly_fields = ("order_status", "remains", "created", "settled", "forwarded")
    fields = (
        "id", "order", "account", "order_status", "remains", "state", "created", "settled", "forwarded",
        "is_accepted_upstream", "tries", "response",
    )  # fmt: skip
    created = formatters.timestamp_column("created_at", "created")
    forwarded = formatters.timestamp_column("forwarded_at", "forwarded")
    settled = formatters.timestamp_column("settled_at", "settled")
    actions = ("accept", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Allow users who may change cancel requests."""
        return request.user.has_perm("orders.change_cancelrequest")

    @admin.display(description="order is")
    def order_status(self, cancel_request: CancelRequest) -> SafeString:
        return formatters.status_badge(cancel_request.order.status)

    @formatters.numeric_column("remains")
    def remains(self, cancel_request: CancelRequest) -> str:
        """Show how much of the order is undelivered."""
        return f"{formats.whole(cancel_request.order.remains)} of {formats.whole(cancel_request.order.quantity)}"

    @admin.action(description="Cancel the orders, give back what remains", permissions=["settle"])
    def accept(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """End the orders: as Canceled if nothing was delivered, else as Partial."""
        ended = customer_requests.accept_cancels(
            [cancel_request.pk for cancel_request in queryset], actor=str(request.user)
        )
        self.message_user(request, f"{formats.whole(ended)} ended.", messages.SUCCESS)
        if left := len(queryset) - ended:
            text = f"{formats.whole(left)} left as they are: over already, or to be settled among the unsure ones."
            self.message_user(request, text, messages.WARNING)

    @admin.action(description="Reject, let the orders go on", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """Close the requests and leave the orders as they are."""
        rejected = customer_requests.reject_cancels([cancel_request.pk for cancel_request in queryset])
        self.message_user(request, f"{formats.whole(rejected)} rejected.", messages.SUCCESS)
