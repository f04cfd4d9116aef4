"""Categories in the back office, in the order that customers see."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.catalog.import_export import ImportExportMixin
from tradepost.backoffice.catalog.sort_order import arrange_rows
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import DialogForm, ModelAdmin, dialog_button, link_button
from tradepost.catalog.import_export.resources import CategoryResource
from tradepost.catalog.models import Category, Service
from tradepost.providers import duplicates


@register(Category)
class CategoryAdmin(ImportExportMixin, ModelAdmin[Category]):
    """The categories. Categories, and the services of each, are sorted on pages of their own."""

    resource = CategoryResource
    list_display = ("name", "services_count", "arrange_services")
    ordering = ("position", "id")
    search_fields = ("name",)
    fields = (("name", "position"),)
    actions_list: Any = ("arrange", *ImportExportMixin.actions_list)
    actions_detail = ("arrange_this", "duplicate")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(arrange_rows)
        return [
            path("arrange/", view, name="catalog_category_arrange"),
            path("<int:category>/arrange/", view, name="catalog_category_arrange_services"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        return super().get_queryset(request).annotate(services_total=Count("services"))

    def get_list_display(self, request: HttpRequest) -> Any:
        """Leave out the links for arranging if the user may not."""
        names = list(super().get_list_display(request))
        return names if self.has_arrange_permission(request) else [name for name in names if name != "arrange_services"]

    @formatters.numeric_column("services")
    def services_count(self, category: Category) -> SafeString | str:
        """Link to the category's services, on sale or not."""
        total = formats.whole(category.services_total)  # type: ignore[attr-defined] # annotated above
        return links.list_link(Service, total, category__id__exact=category.pk)

    @admin.display(description="order")
    def arrange_services(self, category: Category) -> SafeString:
        url = reverse("admin:catalog_category_arrange_services", args=[category.pk])
        return format_html('<a class="tp-link" href="{}">Arrange</a>', url)

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        """Allow deleting an empty category only."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.services.exists())

    def has_arrange_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change categories and services."""
        return request.user.has_perms(["catalog.change_category", "catalog.change_service"])

    def has_duplicate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may add categories and services."""
        return request.user.has_perms(["catalog.add_category", "catalog.add_service"])

    @link_button("Arrange…", permission="arrange")
    def arrange(self, request: HttpRequest) -> HttpResponse:
        return redirect("admin:catalog_category_arrange")

    @link_button("Arrange services…", permission="arrange")
    def arrange_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:catalog_category_arrange_services", int(object_id))

    @dialog_button(
        "Duplicate",
        permission="duplicate",
        title="Duplicate this category?",
        text="Its services are made once more, off sale, with their routes.",
    )
    def duplicate(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        copy = duplicates.duplicate_category(get_object_or_404(Category, pk=object_id))
        self.log_addition(request, copy, "Duplicated")
        self.message_user(
            request, f"{formats.whole(copy.services.count())} services duplicated, off sale.", messages.SUCCESS
        )
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_category_change", args=[copy.pk])})
