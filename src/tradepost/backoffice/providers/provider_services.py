"""What providers sell, in the back office: to read, and to import as services of ours."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.catalog.margins import cost_cell
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    CheckboxesWidget,
    DecimalWidget,
    DropdownFilter,
    IntegerWidget,
    ModelAdmin,
    RadioFilter,
    RelatedDropdownFilter,
    SelectWidget,
    TextWidget,
)
from tradepost.catalog.models import Category, Service
from tradepost.providers import markup
from tradepost.providers.models import ProviderService, Route, SyncedField
from tradepost.providers.service_import import ImportOptions, ImportResult, import_services

FOLLOWS_DEFAULT = [field.value for field in SyncedField if field not in {SyncedField.NAME, SyncedField.DESCRIPTION}]
REFUSALS_SHOWN_MAX = 10
CATEGORIES_SHOWN_MAX = 500


class ServiceImportForm(forms.Form):
    """How to import the services."""

    category = forms.ModelChoiceField(
        Category.objects.all(),
        required=False,
        empty_label="As their provider has them; made where there is none",
        widget=SelectWidget,
    )
    new_category = forms.CharField(
        required=False, max_length=200, widget=TextWidget, help_text="To create a new category."
    )
    markup_percent = forms.DecimalField(
        min_value=0, max_value=100_000, decimal_places=2, initial=20, widget=DecimalWidget, label="Markup, percent"
    )
    rate_decimals = forms.IntegerField(
        min_value=0,
        max_value=7,
        initial=4,
        widget=IntegerWidget,
        help_text="Rates are rounded up to this many decimals.",
    )
    follows = forms.MultipleChoiceField(
        choices=SyncedField.choices(),
        required=False,
        initial=FOLLOWS_DEFAULT,
        widget=CheckboxesWidget,
        help_text="What follows the provider's service from now on. Everything is copied once now.",
    )

    def options(self) -> ImportOptions:
        cleaned = self.cleaned_data
        return ImportOptions(
            category=cleaned["category"].pk if cleaned["category"] else None,
            new_category=cleaned["new_category"].strip(),
            markup_percent=cleaned["markup_percent"],
            rate_decimals=cleaned["rate_decimals"],
            follows=cleaned["follows"],
        )


class ImportedFilter(RadioFilter):
    """Services of providers to which a route of ours leads, or does not."""

    title = "imported"
    parameter_name = "imported"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Imported"), ("no", "Not imported")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(sold_as__isnull=self.value() == "no") if self.value() else queryset


class TheirCategoryFilter(DropdownFilter):
    """The categories of the chosen provider, or of all providers."""

    title = "their category"
    parameter_name = "their_category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = ProviderService.objects.order_by("category")
        provider = request.GET.get("provider__id__exact", "")
        if provider.isdecimal():
            rows = rows.filter(provider=int(provider))
        names = rows.exclude(category="").values_list("category", flat=True).distinct()[:CATEGORIES_SHOWN_MAX]
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(category=self.value()) if self.value() else queryset


@register(ProviderService)
class ProviderServiceAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[ProviderService]):
    list_display = (
        "upstream_id", "name_shown", "standing", "provider", "category", "type", "rate_shown", "cost_shown", "limits",
        "flags",
    )  # fmt: skip
    list_filter = (("provider", RelatedDropdownFilter), TheirCategoryFilter, ImportedFilter, "is_delisted")
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("provider",)
    search_fields = ("=upstream_id", "name", "category", "provider__name")
    search_help_text = "Provider's id, name, category or provider"
    actions = ("import_ticked",)
    changed = formatters.timestamp_column("changed_at", "changed", exact=True)
    min_shown = formatters.count_column("min", "min")
    max_shown = formatters.count_column("max", "max")
    readonly_fields = ("rate_shown", "cost_shown", "flags", "standing", "changed", "min_shown", "max_shown")
    fields = (
        "provider", ("upstream_id", "standing"), "name", "category", "type", ("rate_shown", "cost_shown"),
        ("min_shown", "max_shown"), ("flags", "average_time"), "description", "changed",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderService]:
        """Add the first service of ours that has a route to the provider's service."""
        first = Route.objects.filter(provider_service=OuterRef("pk")).order_by("pk").values("service")[:1]
        return super().get_queryset(request).annotate(sold_as=Subquery(first))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ProviderService], search_term: str
    ) -> tuple[QuerySet[ProviderService], bool]:
        """Search. Routes are offered only services that the provider still lists."""
        rows, has_duplicates = super().get_search_results(request, queryset.select_related("provider"), search_term)
        return (rows.filter(is_delisted=False) if request.path.endswith("/autocomplete/") else rows), has_duplicates

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Allow users who may add services and routes."""
        return request.user.has_perms(["catalog.add_service", "providers.add_route"])

    @admin.display(description="name", ordering="name")
    def name_shown(self, offer: ProviderService) -> SafeString:
        return formatters.truncated(offer.name)

    @formatters.numeric_column("their rate", ordering="rate")
    def rate_shown(self, offer: ProviderService) -> SafeString:
        """Show the rate in the provider's currency."""
        return formats.rate_html(offer.rate, offer.provider.currency)

    @formatters.numeric_column("our cost")
    def cost_shown(self, offer: ProviderService) -> SafeString:
        """Show the cost in our currency."""
        return cost_cell(markup.cost(offer.rate, offer.provider.exchange_rate))

    @formatters.numeric_column("limits")
    def limits(self, offer: ProviderService) -> SafeString:
        return format_html('<span class="tp-nowrap">{}–{}</span>', formats.whole(offer.min), formats.whole(offer.max))

    @admin.display(description="offers")
    def flags(self, offer: ProviderService) -> str:
        """Show whether customers may ask for refills, cancels and drip-feeds."""
        return ", ".join(name for name in ("refill", "cancel", "dripfeed") if getattr(offer, name)) or formats.NOTHING

    @admin.display(description="here")
    def standing(self, offer: ProviderService) -> SafeString | str:
        """Link to the service of ours it is sold as, and show whether the provider has delisted it."""
        sold_as = getattr(offer, "sold_as", None)
        parts: list[SafeString | str] = [formatters.badge("gone", "danger")] if offer.is_delisted else []
        if sold_as:
            parts.append(links.row_link(Service, sold_as, f"service {sold_as}"))
        return format_html_join(" ", "{}", ((part,) for part in parts)) or formats.NOTHING

    @admin.action(description="Import…", permissions=["import"])
    def import_ticked(self, request: HttpRequest, queryset: QuerySet[ProviderService]) -> HttpResponse | None:
        """Ask how, then create a service of ours for each ticked row."""
        imported = Q(pk__in=Route.objects.values("provider_service"))
        form = ServiceImportForm(request.POST if "import" in request.POST else None)
        if form.is_valid():
            self._import(request, queryset, form.options())
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Import services",
            "opts": self.opts,
            "form": form,
            "count": queryset.count(),
            "already": queryset.filter(imported).count(),
            "ticked": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "backoffice/providers/import_services.html", context)

    def _import(self, request: HttpRequest, queryset: QuerySet[ProviderService], options: ImportOptions) -> None:
        imported = import_services(list(queryset.values_list("pk", flat=True)), options)
        self.message_user(request, _summary(imported), messages.SUCCESS if imported.services else messages.WARNING)
        for text in imported.refused[:REFUSALS_SHOWN_MAX]:
            self.message_user(request, f"Not imported: {text}.", messages.ERROR)
        left = len(imported.refused) - REFUSALS_SHOWN_MAX
        if left > 0:
            self.message_user(request, f"{formats.whole(left)} more were not imported.", messages.ERROR)


def _summary(imported: ImportResult) -> str:
    already = f"; {formats.whole(imported.already)} were imported before and are left as they are"
    already = already if imported.already else ""
    return f"{formats.whole(len(imported.services))} imported{already}."
