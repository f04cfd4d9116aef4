"""Price lists in the back office: discounts, rates and members."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Count, ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.backoffice.catalog import effective_rates, price_list_members
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin, TabularInline, link_button
from tradepost.catalog.models import PriceList, PriceListDiscount, PriceListMember, PriceListRate

DISCOUNT_PLACES = 4


class DiscountInline(PlainDecimalsMixin, TabularInline[PriceListDiscount, PriceList]):
    """The list's discounts on categories."""

    model = PriceListDiscount
    show_title = False
    autocomplete_fields = ("category",)
    extra = 0
    ordering = ("category__position", "category")


class RateInline(PlainDecimalsMixin, TabularInline[PriceListRate, PriceList]):
    """The list's rates of services."""

    model = PriceListRate
    show_title = False
    autocomplete_fields = ("service",)
    extra = 0
    per_page = 20
    ordering = ("service",)
    readonly_fields = ("service_rate",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceListRate]:
        return super().get_queryset(request).select_related("service")

    @formatters.numeric_column("standard rate")
    def service_rate(self, listed: PriceListRate) -> SafeString | str:
        """Show the rate without the price list."""
        return formatters.rate(listed.service.rate) if listed.pk else formats.NOTHING


class MemberInline(TabularInline[PriceListMember, PriceList]):
    """The accounts on the list."""

    model = PriceListMember
    show_title = False
    autocomplete_fields = ("account",)
    extra = 0
    per_page = 20
    ordering = ("joined_at", "account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceListMember]:
        return super().get_queryset(request).select_related("account")

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Leave out test accounts: a test account has the price list of its owner."""
        if db_field.name == "account":
            kwargs["queryset"] = Account.objects.filter(test_of=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@register(PriceList)
class PriceListAdmin(PlainDecimalsMixin, ModelAdmin[PriceList]):
    """The price lists. A list can't be deleted while accounts are on it."""

    list_display = ("name", "discount", "discounts_count", "rates_count", "members_count", "floor")
    search_fields = ("name",)
    fields = (("name", "discount_percent"), "not_below_cost", "note")
    inlines: ClassVar[Any] = (DiscountInline, RateInline, MemberInline)
    actions_list = ("who_pays_what",)
    actions_detail = ("add_members",)

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "paying/", self.admin_site.admin_view(effective_rates.effective_rates), name="catalog_pricelist_paying"
            ),
            path(
                "<int:price_list>/join/",
                self.admin_site.admin_view(price_list_members.add_price_list_members),
                name="catalog_pricelist_join",
            ),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[PriceList]:
        counts = {f"{name}_total": Count(name, distinct=True) for name in ("discounts", "rates", "members")}
        return super().get_queryset(request).annotate(**counts)

    def has_delete_permission(self, request: HttpRequest, obj: PriceList | None = None) -> bool:
        """Allow deleting a list without members only."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.members.exists())

    def has_join_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change price lists."""
        return request.user.has_perm("catalog.change_pricelist")

    def has_look_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may view price lists."""
        return request.user.has_perm("catalog.view_pricelist")

    @formatters.numeric_column("discount", ordering="discount_percent")
    def discount(self, price_list: PriceList) -> str:
        return formats.percent(price_list.discount_percent / 100, DISCOUNT_PLACES)

    @formatters.numeric_column("categories")
    def discounts_count(self, price_list: PriceList) -> str:
        return formats.whole(price_list.discounts_total)  # type: ignore[attr-defined] # annotated above

    @formatters.numeric_column("services")
    def rates_count(self, price_list: PriceList) -> str:
        return formats.whole(price_list.rates_total)  # type: ignore[attr-defined] # annotated above

    @formatters.numeric_column("members")
    def members_count(self, price_list: PriceList) -> SafeString | str:
        """Link to the page that puts accounts on the price list."""
        total = formats.whole(price_list.members_total)  # type: ignore[attr-defined] # annotated above
        url = reverse("admin:catalog_pricelist_join", args=[price_list.pk])
        return formatters.page_link(url, total) if links.has_perms("catalog.change_pricelist") else total

    @admin.display(description="not below cost", boolean=True)
    def floor(self, price_list: PriceList) -> bool:
        return price_list.not_below_cost

    @link_button("Who pays what…", permission="look")
    def who_pays_what(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:catalog_pricelist_paying")

    @link_button("Add members…", permission="join")
    def add_members(self, request: HttpRequest, object_id: str) -> HttpResponse:
        price_list = get_object_or_404(PriceList, pk=object_id)
        return redirect("admin:catalog_pricelist_join", price_list.pk)
