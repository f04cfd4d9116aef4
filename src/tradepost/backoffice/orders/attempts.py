"""The attempts at providers on an order's page: each request, its answer, and when."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.orders.inlines import dispatch_badge
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.unfold_admin import StackedInline
from tradepost.orders.models import Attempt, Order


class AttemptInline(ReadOnlyMixin, StackedInline[Attempt, Order]):
    """Each attempt to place the order with a provider."""

    model = Attempt
    verbose_name_plural = "attempts at providers"
    asked_exactly = formatters.timestamp_column("at", "asked at", exact=True)
    answered_exactly = formatters.timestamp_column("answered_at", "answered at", exact=True)
    quantity_shown = formatters.count_column("quantity", "quantity")
    readonly_fields = (
        "state_shown",
        "quantity_shown",
        "asked_exactly",
        "answered_exactly",
        "asked_shown",
        "answer_shown",
        "cost_shown",
    )
    fields = (
        ("provider", "state_shown"), ("provider_service", "quantity_shown"), ("upstream_id", "cost_shown"),
        ("asked_exactly", "answered_exactly"), "asked_shown", "answer_shown",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).select_related("provider", "provider_service__provider")

    @admin.display(description="state")
    def state_shown(self, attempt: Attempt) -> SafeString | str:
        return dispatch_badge(attempt.state)

    @formatters.numeric_column("cost")
    def cost_shown(self, attempt: Attempt) -> SafeString:
        """Show the cost in our currency."""
        return formatters.money(attempt.cost)

    @admin.display(description="request")
    def asked_shown(self, attempt: Attempt) -> SafeString | str:
        """Show the parameters of the request, without the key."""
        rows = (attempt.request or {}).items()
        return format_html_join("", '<dl class="tp-parameter"><dt>{}</dt><dd>{}</dd></dl>', rows) or formats.NOTHING

    @admin.display(description="answer")
    def answer_shown(self, attempt: Attempt) -> SafeString | str:
        """Show the answer, or the error if there was none."""
        response = format_html('<pre class="tp-evidence">{}</pre>', attempt.response)
        return response if attempt.response else formats.NOTHING
