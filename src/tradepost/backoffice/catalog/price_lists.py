"""Price lists in the back office: their discounts and rates, and who is on them."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.accounts.models import Account
from tradepost.backoffice.catalog import effective_rates, price_list_members
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin, TabularInline, link_button
from tradepost.catalog.models import PriceList, PriceListDiscount, PriceListMember, PriceListRate


class DiscountInline(PlainDecimalsMixin, TabularInline[PriceListDiscount, PriceList]):
    """Its discounts on categories."""

    model = PriceListDiscount
    show_title = False
    autocomplete_fields = ("category",)
    extra = 0
    ordering = ("category__position", "category")


class RateInline(PlainDecimalsMixin, TabularInline[PriceListRate, PriceList]):
    """Its rates of services."""

    model = PriceListRate
    show_title = False
    autocomplete_fields = ("service",)
    extra = 0
    per_page = 20
    ordering = ("service",)
    readonly_fields = ("service_rate",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceListRate]:
        """Take the services along."""
        return super().get_queryset(request).select_related("service")

    @formatters.numeric_column("everybody pays")
    def service_rate(self, listed: PriceListRate) -> str:
        """Show what the rate is for all others."""
        return formatters.amount(listed.service.rate) if listed.pk else formatters.NOTHING


class MemberInline(TabularInline[PriceListMember, PriceList]):
    """The accounts that are on it."""

    model = PriceListMember
    show_title = False
    autocomplete_fields = ("account",)
    extra = 0
    per_page = 20
    ordering = ("joined_at", "account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceListMember]:
        """Take the accounts along."""
        return super().get_queryset(request).select_related("account")

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Offer people: their accounts for tests follow them."""
        if db_field.name == "account":
            kwargs["queryset"] = Account.objects.filter(test_of=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@register(PriceList)
class PriceListAdmin(PlainDecimalsMixin, ModelAdmin[PriceList]):
    """The price lists. One that accounts are on is not deleted before they have left it."""

    list_display = ("name", "discount", "discounts_count", "rates_count", "members_count", "floor")
    search_fields = ("name",)
    fields = (("name", "discount_percent"), "not_below_cost", "note")
    inlines: ClassVar[Any] = (DiscountInline, RateInline, MemberInline)
    actions_list = ("who_pays_what",)
    actions_detail = ("add_members",)

    def get_urls(self) -> list[URLPattern]:
        """Have two pages beside the admin's own."""
        return [
            path("paying/", self.admin_site.admin_view(effective_rates.show), name="catalog_pricelist_paying"),
            path(
                "<int:price_list>/join/",
                self.admin_site.admin_view(price_list_members.join),
                name="catalog_pricelist_join",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceList]:
        """Count along what is in it and who is on it."""
        counts = {f"{name}_total": Count(name, distinct=True) for name in ("discounts", "rates", "members")}
        return super().get_queryset(request).annotate(**counts)

    def has_delete_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        """Only one that nobody is on."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.members.exists())

    def has_join_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change price lists may put accounts on them."""
        return request.user.has_perm("catalog.change_pricelist")

    def has_look_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may view price lists may look up what they come to."""
        return request.user.has_perm("catalog.view_pricelist")

    @formatters.numeric_column("discount", ordering="discount_percent")
    def discount(self, price_list: PriceList) -> str:
        """Show the discount on everything."""
        return f"{formatters.amount(price_list.discount_percent)} %"

    @formatters.numeric_column("categories")
    def discounts_count(self, price_list: PriceList) -> str:
        """Show on how many categories it has a discount of their own."""
        return f"{price_list.discounts_total:,}"  # type: ignore[attr-defined] # annotated above

    @formatters.numeric_column("services")
    def rates_count(self, price_list: PriceList) -> str:
        """Show for how many services it has a rate."""
        return f"{price_list.rates_total:,}"  # type: ignore[attr-defined] # annotated above

    @formatters.numeric_column("members")
    def members_count(self, price_list: PriceList) -> SafeString:
        """Lead to where accounts are put on it."""
        address = reverse("admin:catalog_pricelist_join", args=[price_list.pk])
        total = price_list.members_total  # type: ignore[attr-defined] # annotated above
        return format_html('<a class="tp-link" href="{}">{}</a>', address, f"{total:,}")

    @admin.display(description="not below cost", boolean=True)
    def floor(self, price_list: PriceList) -> bool:
        """Tell whether it stops at what services cost."""
        return price_list.not_below_cost

    @link_button("Who pays what…", permission="look")
    def who_pays_what(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that looks it up."""
        return redirect("admin:catalog_pricelist_paying")

    @link_button("Add members…", permission="join")
    def add_members(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the page on which accounts are put on it."""
        price_list = get_object_or_404(PriceList, pk=object_id)
        return redirect("admin:catalog_pricelist_join", price_list.pk)
