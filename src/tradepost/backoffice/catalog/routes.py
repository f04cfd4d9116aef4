"""The routes of a service, on its page: by which provider's service it is delivered, at what cost and margin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.catalog.margins import margin_badge, written_cost, written_margin
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.unfold_admin import CheckboxesWidget, StackedInline
from tradepost.catalog.models import Service
from tradepost.providers import service_sync
from tradepost.providers.models import ProviderService, Route, SyncedField

QUARANTINES_SHOWN_MAX = 10


class RouteForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A route of a service."""

    follows = forms.MultipleChoiceField(
        choices=SyncedField.choices(),
        required=False,
        widget=CheckboxesWidget,
        help_text="What of the service changes with its provider's, if this is its first active route.",
    )


class RouteInline(PlainDecimalsMixin, StackedInline[Route, Service]):
    """The ways to providers, the first one first."""

    model = Route
    form = RouteForm
    extra = 0
    show_title = False
    ordering = ("position", "id")
    autocomplete_fields = ("provider_service",)
    readonly_fields = ("cost", "margin")
    fields = (
        "provider_service", ("position", "is_active"), ("cost", "margin"), ("multiplier", "overflow_percent"),
        ("markup_percent", "rate_decimals"), "follows",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        """Take along what the routes lead to."""
        return super().get_queryset(request).select_related("service", "provider_service__provider")

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Name what a route leads to without asking for each provider."""
        if db_field.name == "provider_service":
            kwargs["queryset"] = ProviderService.objects.select_related("provider")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="cost of 1,000")
    def cost(self, route: Route) -> SafeString | str:
        """Show what 1,000 of ours cost by this route, in our currency."""
        if not route.pk:
            return formatters.NOTHING
        way = service_sync.route_terms(route, route.service.type)
        return format_html(
            "{} {}", written_cost(way.terms.rate), formatters.badge("gone", "danger") if way.is_delisted else ""
        )

    @admin.display(description="margin")
    def margin(self, route: Route) -> SafeString | str:
        """Show how much of the rate is left above it, of 1,000 and in percent."""
        if not route.pk:
            return formatters.NOTHING
        cost = service_sync.route_terms(route, route.service.type).terms.rate
        return format_html("{} {}", margin_badge(route.service.rate, cost), written_margin(route.service.rate, cost))
