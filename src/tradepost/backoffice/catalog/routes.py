"""The routes on a service's page: which provider's service delivers it, at what cost and margin."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.catalog.margins import cost_cell, margin_badge, margin_cell
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.unfold_admin import CheckboxesWidget, StackedInline
from tradepost.catalog.models import Service
from tradepost.providers import service_sync
from tradepost.providers.models import ProviderService, Route, SyncedField

QUARANTINES_SHOWN_MAX = 10


class RouteForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    follows = forms.MultipleChoiceField(
        choices=SyncedField.choices(),
        required=False,
        widget=CheckboxesWidget,
        help_text="What follows the provider's service, if this is the first active route.",
    )


class RouteInline(PlainDecimalsMixin, StackedInline[Route, Service]):
    """The service's routes to providers, in the order they are tried."""

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
        return super().get_queryset(request).select_related("service", "provider_service__provider")

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Read providers along with their services: the names of the choices contain both."""
        if db_field.name == "provider_service":
            kwargs["queryset"] = ProviderService.objects.select_related("provider")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="cost of 1,000")
    def cost(self, route: Route) -> SafeString | str:
        """Show the cost of 1,000 of our units by this route, in our currency."""
        if not route.pk:
            return formats.NOTHING
        terms = service_sync.route_terms(route, route.service.type)
        return format_html(
            "{} {}", cost_cell(terms.terms.rate), formatters.badge("gone", "danger") if terms.is_delisted else ""
        )

    @admin.display(description="margin")
    def margin(self, route: Route) -> SafeString | str:
        """Show the margin of 1,000, in percent and as an amount."""
        if not route.pk:
            return formats.NOTHING
        cost = service_sync.route_terms(route, route.service.type).terms.rate
        return format_html("{} {}", margin_badge(route.service.rate, cost), margin_cell(route.service.rate, cost))
