"""Orders that only a person can settle: unsure, refused by every provider, or their status is not clear."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.orders.inlines import dispatch_badge
from tradepost.backoffice.orders.settle_buttons import UNSETTLED_STATES
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin, RadioFilter, RelatedDropdownFilter
from tradepost.database import engine_connection
from tradepost.engine import dispatching, orders, polling, rerouting
from tradepost.engine.refusals import ReviewReason
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Dispatch, Status
from tradepost.orders.models import Attempt, Order, UpstreamOrder


class UnsettledStateFilter(RadioFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        reasons = [(reason.value, reason.label) for reason in ReviewReason if reason]
        return [(Dispatch.UNSURE.value, "Unsure"), (Dispatch.REFUSED.value, "Refused, held"), *reasons]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(review_reason=value) if value in ReviewReason.values() else queryset.filter(state=value)


def _held(queryset: QuerySet[UpstreamOrder]) -> list[int]:
    return sorted(order.pk for order in queryset if order.state == Dispatch.REFUSED)


@register(UpstreamOrder)
class UpstreamOrderAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[UpstreamOrder]):
    """Orders that wait for a person, the oldest first."""

    list_display = (
        "number",
        "state_shown",
        "why",
        "provider",
        "sold",
        "short_link",
        "quantity_shown",
        "asked",
        "answer",
    )
    list_filter = (UnsettledStateFilter, ("provider", RelatedDropdownFilter))
    list_fullwidth = True
    list_select_related = ("provider", "order__service")
    list_display_links = None
    sortable_by = ()
    ordering = ("order",)
    search_fields = ("=order__id",)
    search_help_text = "Order id"
    actions = ("send_held", "send_elsewhere", "cancel_held")
    asked = formatters.timestamp_column("asked_at", "asked")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamOrder]:
        """Leave out all other orders, and add the last attempt's time and answer."""
        last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
        waiting = super().get_queryset(request).filter(Q(state__in=UNSETTLED_STATES) | ~Q(review_reason=""))
        return waiting.annotate(
            asked_at=Subquery(last.values("at")[:1]), answered=Subquery(last.values("response")[:1])
        )

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Redirect to the order's page, which has the evidence and the buttons."""
        order = self.get_object(request, object_id)
        if order is None or not self.has_view_permission(request, order):
            return super().change_view(request, object_id)
        return redirect("admin:orders_order_change", order.pk)

    @admin.display(description="order")
    def number(self, order: UpstreamOrder) -> SafeString | str:
        return links.row_link(Order, order.pk, order.pk)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Allow users who may change orders and see the evidence."""
        return request.user.has_perm("orders.change_order") and request.user.has_perm("orders.view_attempt")

    @admin.action(description="Send held orders again", permissions=["settle"])
    def send_held(self, request: HttpRequest, queryset: QuerySet[UpstreamOrder]) -> None:
        """Queue the orders that were refused. Unsure ones may exist, so each is settled on its own page."""
        held = _held(queryset)
        with transaction.atomic():
            sent = sum(dispatching.send_again(engine_connection(), pk, actor=str(request.user)) for pk in held)
        self._show_result(request, queryset, sent, "queued again")

    @admin.action(description="Send held orders by another route", permissions=["settle"])
    def send_elsewhere(self, request: HttpRequest, queryset: QuerySet[UpstreamOrder]) -> None:
        """Queue the orders that were refused for another open route, where there is one."""
        with transaction.atomic():
            sent = rerouting.send_elsewhere(engine_connection(), _held(queryset), actor=str(request.user))
        self._show_result(request, queryset, sent, "queued for another route")

    @admin.action(description="Cancel and refund held orders", permissions=["settle"])
    def cancel_held(self, request: HttpRequest, queryset: QuerySet[UpstreamOrder]) -> None:
        """Cancel the orders that were refused, and give their charges back."""
        with transaction.atomic():
            orders.lock(engine_connection(), [order.pk for order in queryset])
            reports = [Report(pk, Status.CANCELED, note="canceled by a person") for pk in _held(queryset)]
            outcomes = settle(engine_connection(), reports, actor=str(request.user))
        self._show_result(request, queryset, outcomes.count(SettleResult.SETTLED), "canceled and refunded")

    def _show_result(self, request: HttpRequest, queryset: QuerySet[UpstreamOrder], done: int, what: str) -> None:
        self.message_user(request, f"{formats.whole(done)} {what}.", messages.SUCCESS if done else messages.WARNING)
        left = len(queryset) - done
        if left:
            why = "not held any more, to be settled on their own page, or without a route"
            text = f"{formats.whole(left)} left as they are: {why}."
            self.message_user(request, text, messages.WARNING)

    @admin.display(description="why")
    def why(self, order: UpstreamOrder) -> str:
        """Show why the order waits for a person."""
        return ReviewReason(order.review_reason).label or formats.NOTHING

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
        return formats.whole(order.order.quantity)

    @admin.display(description="answer")
    def answer(self, order: UpstreamOrder) -> SafeString | str:
        """Show the provider's last words, cut to fit."""
        polled = polling.words_of(order.last_message) if order.state == Dispatch.SENT else ""
        answer: str = polled or getattr(order, "answered", "") or ""
        return formatters.truncated(answer) if answer else formats.NOTHING
