"""Stuck orders in the back office: orders that take longer than usual for their service."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.orders.inlines import dispatch_badge
from tradepost.backoffice.orders.list_actions import BulkActionsMixin
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import AutocompleteSelectFilter, DropdownFilter, ModelAdmin, RadioFilter
from tradepost.engine.statuses import DELIVERING, Dispatch
from tradepost.orders.models import Order, StuckOrder
from tradepost.providers.models import Provider

REASON_COLOURS = {StuckOrder.NOT_STARTED: "warning", StuckOrder.SLOW: "info", StuckOrder.UNANSWERED: "danger"}
REASONS = {
    StuckOrder.NOT_STARTED: "Not started",
    StuckOrder.SLOW: "Slower than usual",
    StuckOrder.UNANSWERED: "No provider took it",
}


class StuckReasonFilter(RadioFilter):
    title = "what is wrong"
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(REASONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class FulfilledByFilter(DropdownFilter):
    """Orders by hand, or by the provider that has or gets them."""

    title = "fulfilled by"
    parameter_name = "where"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer providers to users who may view them."""
        providers = Provider.objects.values_list("pk", "name") if _may_see_providers(request) else ()
        return [("hand", "By hand"), *((str(pk), name) for pk, name in providers)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Check the permission again: a user may type a URL with a choice that was not offered."""
        where = self.value() or ""
        if where == "hand":
            return queryset.filter(order__dispatch=Dispatch.NONE.value)
        if not where.isdecimal() or not _may_see_providers(request):
            return queryset
        return queryset.filter(order__upstream__provider=int(where))


def _may_see_providers(request: HttpRequest) -> bool:
    return request.user.has_perm("providers.view_provider")


@register(StuckOrder)
class StuckOrderAdmin(ReadOnlyMixin, BulkActionsMixin, UncountedListMixin, ModelAdmin[StuckOrder]):
    """Orders that take longer than nine of ten recent orders of their service, the oldest first."""

    list_display = (
        "number",
        "why_shown",
        "sold",
        "short_link",
        "status_shown",
        "dispatch_shown",
        "done",
        "age",
        "usually",
    )
    list_filter = (StuckReasonFilter, ("order__service", AutocompleteSelectFilter), FulfilledByFilter)
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("order__service",)
    list_display_links = None
    sortable_by = ()
    ordering = ("order_id",)
    search_fields = ("=order__id",)
    search_help_text = "Order id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[StuckOrder]:
        """Leave out orders that have ended since they were found to be stuck."""
        active = [status.value for status in DELIVERING]
        return super().get_queryset(request).filter(order__status__in=active)

    def has_view_permission(self, request: HttpRequest, obj: StuckOrder | None = None) -> bool:
        """Allow users who may view orders."""
        return request.user.has_perm("orders.view_order")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Redirect to the order's page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:orders_order_change", object_id)

    @admin.display(description="order")
    def number(self, stuck: StuckOrder) -> SafeString | str:
        return links.row_link(Order, stuck.pk, stuck.pk)

    @admin.display(description="what is wrong")
    def why_shown(self, stuck: StuckOrder) -> SafeString:
        return formatters.badge(REASONS[stuck.reason], REASON_COLOURS[stuck.reason])

    @admin.display(description="service")
    def sold(self, stuck: StuckOrder) -> SafeString:
        return formatters.truncated(str(stuck.order.service))

    @admin.display(description="link")
    def short_link(self, stuck: StuckOrder) -> SafeString:
        return formatters.short_link(stuck.order.aim)

    @admin.display(description="status")
    def status_shown(self, stuck: StuckOrder) -> SafeString:
        return formatters.status_badge(stuck.order.status)

    @admin.display(description="dispatch")
    def dispatch_shown(self, stuck: StuckOrder) -> SafeString | str:
        return dispatch_badge(stuck.order.dispatch) or "manual"

    @formatters.numeric_column("delivered")
    def done(self, stuck: StuckOrder) -> str:
        return f"{formats.whole(stuck.order.done)} of {formats.whole(stuck.order.quantity)}"

    @formatters.numeric_column("waits")
    def age(self, stuck: StuckOrder) -> str:
        return formats.duration(timezone.now() - stuck.order.created_at)

    @formatters.numeric_column("usually within")
    def usually(self, stuck: StuckOrder) -> str:
        """Show how long the order should have taken at most."""
        return formats.duration(stuck.expected_within)
