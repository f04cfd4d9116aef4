"""Categories in the back office."""

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from tradepost.backoffice import showing
from tradepost.backoffice.styled import ModelAdmin
from tradepost.catalog.admin.carrying import Carrying
from tradepost.catalog.models import Category
from tradepost.catalog.sheets.resources import CategoryResource


@admin.register(Category)
class CategoryAdmin(Carrying, ModelAdmin[Category]):
    """The headings, in the order that customers see."""

    resource = CategoryResource
    list_display = ("name", "services_count")
    ordering_field = "position"
    hide_ordering_field = True
    ordering = ("position", "id")
    search_fields = ("name",)
    fields = ("name", "position")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        """Count the services along."""
        return super().get_queryset(request).annotate(services_total=Count("services"))

    @showing.figure("services")
    def services_count(self, category: Category) -> str:
        """Show how many stand under it, on sale or not."""
        return str(category.services_total)  # type: ignore[attr-defined] # annotated above

    def has_delete_permission(self, request: HttpRequest, obj: Category | None = None) -> bool:
        """Only an empty one."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.services.exists())
