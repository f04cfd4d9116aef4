"""Custom rates in the back office: rates agreed with single accounts."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from tradepost.backoffice.catalog import rate_copies
from tradepost.backoffice.catalog.import_export import ImportExportMixin
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin, RelatedDropdownFilter, TabularInline, link_button
from tradepost.catalog.import_export.resources import CustomRateResource
from tradepost.catalog.models import CustomRate, Service


class CustomRateInline(PlainDecimalsMixin, TabularInline[CustomRate, Service]):
    """The accounts that have a custom rate for the service."""

    model = CustomRate
    show_title = False
    autocomplete_fields = ("account",)
    extra = 0
    per_page = 20
    ordering = ("id",)


@register(CustomRate)
class CustomRateAdmin(ImportExportMixin, PlainDecimalsMixin, UncountedListMixin, ModelAdmin[CustomRate]):
    resource = CustomRateResource
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
    actions_list: Any = ("copy_rates", *ImportExportMixin.actions_list)

    def get_urls(self) -> list[URLPattern]:
        copy = path("copy/", self.admin_site.admin_view(rate_copies.copy_custom_rates), name="catalog_customrate_copy")
        return [copy, *super().get_urls()]

    def has_copy_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may add and change custom rates."""
        return request.user.has_perms(["catalog.add_customrate", "catalog.change_customrate"])

    @link_button("Copy between accounts…", permission="copy")
    def copy_rates(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:catalog_customrate_copy")

    @formatters.numeric_column("list rate")
    def service_rate(self, custom: CustomRate) -> SafeString:
        return formatters.rate(custom.service.rate)
