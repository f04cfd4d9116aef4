"""Rates agreed with single accounts, in the back office."""

from django.contrib import admin

from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.styled import ModelAdmin, RelatedDropdownFilter, TabularInline
from tradepost.catalog.admin.rates import PlainDecimals
from tradepost.catalog.models import CustomRate, Service


class CustomRateInline(PlainDecimals, TabularInline[CustomRate, Service]):
    """Who has the service at another rate."""

    model = CustomRate
    autocomplete_fields = ("account",)
    extra = 0
    per_page = 20
    ordering = ("id",)


@admin.register(CustomRate)
class CustomRateAdmin(PlainDecimals, Endless, ModelAdmin[CustomRate]):
    """Rates agreed with single accounts."""

    list_display = ("id", "account", "service", "service_rate", "rate")
    list_display_links = ("id", "account")
    list_editable = ("rate",)
    list_filter = (("service__category", RelatedDropdownFilter),)
    list_filter_submit = True
    list_select_related = ("account", "service")
    ordering = ("account", "service")
    search_fields = ("account__email", "service__name", "=service__id")
    search_help_text = "E-mail address or service"
    autocomplete_fields = ("account", "service")

    @showing.figure("list rate")
    def service_rate(self, custom: CustomRate) -> str:
        """Show what everybody else pays."""
        return showing.amount(custom.service.rate)
