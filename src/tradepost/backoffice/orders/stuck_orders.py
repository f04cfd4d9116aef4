"""Orders that take longer than is usual for their service, in the back office."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.orders.inlines import dispatch_badge
from tradepost.backoffice.orders.list_actions import BulkActionsMixin
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import AutocompleteSelectFilter, DropdownFilter, ModelAdmin, RadioFilter
from tradepost.engine.statuses import DELIVERING, Dispatch
from tradepost.orders.models import StuckOrder
from tradepost.providers.models import Provider

REASON_COLOURS = {StuckOrder.NOT_STARTED: "warning", StuckOrder.SLOW: "info", StuckOrder.UNANSWERED: "danger"}
REASONS = {
    StuckOrder.NOT_STARTED: "Not started",
    StuckOrder.SLOW: "Slower than usual",
    StuckOrder.UNANSWERED: "No provider took it",
}


class WhyFilter(RadioFilter):
    """What is wrong with them."""

    title = "what is wrong"
    parameter_name = "why"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer each."""
        return list(REASONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


class WhereFilter(DropdownFilter):
    """By hand, or the provider where they are, or are to go."""

    title = "fulfilled by"
    parameter_name = "where"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer those that one may see."""
        providers = Provider.objects.values_list("pk", "name") if _sees_providers(request) else ()
        return [("hand", "By hand"), *((str(pk), name) for pk, name in providers)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down; an address may be typed that was not offered."""
        where = self.value() or ""
        if where == "hand":
            return queryset.filter(order__dispatch=Dispatch.NONE.value)
        if not where.isdecimal() or not _sees_providers(request):
            return queryset
        return queryset.filter(order__upstream__provider=int(where))


def _sees_providers(request: HttpRequest) -> bool:
    return request.user.has_perm("providers.view_provider")


@register(StuckOrder)
class StuckOrderAdmin(ReadOnlyMixin, BulkActionsMixin, UncountedListMixin, ModelAdmin[StuckOrder]):
    """Orders under way that take longer than nine in ten of their service's last ones, the oldest first."""

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
    list_filter = (WhyFilter, ("order__service", AutocompleteSelectFilter), WhereFilter)
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("order__service",)
    list_display_links = None
    sortable_by = ()
    ordering = ("order_id",)
    search_fields = ("=order__id",)
    search_help_text = "Order id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[StuckOrder]:
        """Leave out what has ended since it was found."""
        active = [status.value for status in DELIVERING]
        return super().get_queryset(request).filter(order__status__in=active)

    def has_view_permission(self, request: HttpRequest, obj: StuckOrder | None = None) -> bool:
        """Whoever may look at orders may look at these."""
        return request.user.has_perm("orders.view_order")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may look at orders may look at these."""
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Call the list what it is."""
        return super().changelist_view(request, {"title": "Stuck orders", **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Lead to the order."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return redirect("admin:orders_order_change", object_id)

    @admin.display(description="order")
    def number(self, stuck: StuckOrder) -> SafeString:
        """Lead to its page."""
        address = reverse("admin:orders_order_change", args=[stuck.pk])
        return format_html('<a class="tp-link" href="{}">{}</a>', address, stuck.pk)

    @admin.display(description="what is wrong")
    def why_shown(self, stuck: StuckOrder) -> SafeString:
        """Show why it is here."""
        return formatters.badge(REASONS[stuck.reason], REASON_COLOURS[stuck.reason])

    @admin.display(description="service")
    def sold(self, stuck: StuckOrder) -> SafeString:
        """Show what was ordered."""
        return formatters.truncated(str(stuck.order.service))

    @admin.display(description="link")
    def short_link(self, stuck: StuckOrder) -> SafeString:
        """Show for what."""
        return formatters.short_link(stuck.order.aim)

    @admin.display(description="status")
    def status_shown(self, stuck: StuckOrder) -> SafeString:
        """Show what the customer sees."""
        return formatters.status_badge(stuck.order.status)

    @admin.display(description="dispatch")
    def dispatch_shown(self, stuck: StuckOrder) -> SafeString | str:
        """Show where it stands with its upstream."""
        return dispatch_badge(stuck.order.dispatch) or "by hand"

    @formatters.numeric_column("delivered")
    def done(self, stuck: StuckOrder) -> str:
        """Show how much of it is."""
        return f"{stuck.order.done:,} of {stuck.order.quantity:,}"

    @formatters.numeric_column("waits")
    def age(self, stuck: StuckOrder) -> str:
        """Show how long ago it was placed."""
        return formatters.duration(timezone.now() - stuck.order.created_at)

    @formatters.numeric_column("usually within")
    def usually(self, stuck: StuckOrder) -> str:
        """Show how long it should have taken at most."""
        return formatters.duration(stuck.expected_within)
