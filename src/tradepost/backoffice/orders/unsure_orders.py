"""Orders that only a person can settle: unsure ones, and those that every provider has refused."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.orders.inlines import dispatch_badge
from tradepost.backoffice.orders.settle_buttons import UNSETTLED_STATES
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin, RadioFilter, RelatedDropdownFilter
from tradepost.engine.statuses import Dispatch
from tradepost.orders.models import Attempt, UpstreamOrder


class UnsettledStateFilter(RadioFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(Dispatch.UNSURE.value, "Unsure"), (Dispatch.REFUSED.value, "Refused, held")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(state=self.value()) if self.value() else queryset


@register(UpstreamOrder)
class UpstreamOrderAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[UpstreamOrder]):
    """Orders that wait for a person, the oldest first."""

    list_display = ("number", "state_shown", "provider", "sold", "short_link", "quantity_shown", "asked", "answer")
    list_filter = (UnsettledStateFilter, ("provider", RelatedDropdownFilter))
    list_fullwidth = True
    list_select_related = ("provider", "order__service")
    list_display_links = None
    sortable_by = ()
    ordering = ("order",)
    search_fields = ("=order__id",)
    search_help_text = "Order id"
    asked = formatters.timestamp_column("asked_at", "asked")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamOrder]:
        """Leave out all other orders, and add the last attempt's time and answer."""
        last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
        waiting = super().get_queryset(request).filter(state__in=UNSETTLED_STATES)
        return waiting.annotate(
            asked_at=Subquery(last.values("at")[:1]), answered=Subquery(last.values("response")[:1])
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Set the title."""
        return super().changelist_view(request, {"title": "Unsure and held orders", **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Redirect to the order's page, which has the evidence and the buttons."""
        order = self.get_object(request, object_id)
        if order is None or not self.has_view_permission(request, order):
            return super().change_view(request, object_id)
        return redirect("admin:orders_order_change", order.pk)

    @admin.display(description="order")
    def number(self, order: UpstreamOrder) -> SafeString:
        address = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a class="tp-link" href="{}">{}</a>', address, order.pk)

    @admin.display(description="state")
    def state_shown(self, order: UpstreamOrder) -> SafeString | str:
        return dispatch_badge(order.state)

    @admin.display(description="service")
    def sold(self, order: UpstreamOrder) -> SafeString:
        return formatters.truncated(str(order.order.service))

    @admin.display(description="link")
    def short_link(self, order: UpstreamOrder) -> SafeString:
        return formatters.short_link(order.order.link)

    @formatters.numeric_column("quantity")
    def quantity_shown(self, order: UpstreamOrder) -> str:
        return f"{order.order.quantity:,}"

    @admin.display(description="answer")
    def answer(self, order: UpstreamOrder) -> SafeString | str:
        """Show the last answer, cut to fit."""
        answer: str = getattr(order, "answered", "") or ""
        return formatters.truncated(answer) if answer else formatters.NOTHING
