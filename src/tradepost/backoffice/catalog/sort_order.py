"""The page that sorts categories, or the services of one: by dragging, by keyboard, or by typed places."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost import formats
from tradepost.backoffice.ui.site import site
from tradepost.catalog import sort_order
from tradepost.catalog.models import Category, Service
from tradepost.engine.order_types import wire_id

PAGE_ROWS = 200  # each row posts a field, and Django accepts up to 1,000


def arrange_rows(request: HttpRequest, category: int | None = None) -> HttpResponse:
    """Show the categories, or the services of one category, and save their new order."""
    if not request.user.has_perms(["catalog.change_category", "catalog.change_service"]):
        raise PermissionDenied
    chosen = get_object_or_404(Category, pk=category) if category else None
    if request.method == "POST":
        _save(request, chosen)
        return redirect(request.get_full_path())
    rows = Paginator(_services(chosen) if chosen else _categories(), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        **site.each_context(request),
        "title": f"Arrange the services of {chosen}" if chosen else "Arrange categories",
        "opts": (Service if chosen else Category)._meta,  # noqa: SLF001 - documented
        "category": chosen,
        "categories": Category.objects.exclude(pk=chosen.pk) if chosen else [],
        "rows": rows,
        "first": rows.start_index(),
        "page_ids": ",".join(str(row.pk) for row in rows),
        "back": reverse(f"admin:catalog_{'service' if chosen else 'category'}_changelist"),
    }
    return TemplateResponse(request, "backoffice/catalog/sort_order.html", context)


def _categories() -> Any:
    return Category.objects.annotate(total=Count("services")).order_by("position", "pk")


def _services(category: Category) -> Any:
    return Service.objects.filter(category=category).order_by("position", "pk").only("name", "is_active")


def _save(request: HttpRequest, category: Category | None) -> None:
    page, order = _ids(request, "page"), _ids(request, "order")
    places = {id_: place for id_ in page if (place := wire_id(request.POST.get(f"place-{id_}", "")))}
    target = wire_id(request.POST.get("target", ""))
    ticked = [id_ for id_ in order or page if request.POST.get(f"tick-{id_}")]
    try:
        with transaction.atomic():
            rows = sort_order.lock_services(category.pk) if category else sort_order.lock_categories()
            result = sort_order.rearranged(rows, page, order or page, places)
            if category:
                sort_order.place_services(result)
                _move(request, category, ticked, target)
            else:
                sort_order.place_categories(result)
        messages.success(request, "The order is saved.")
    except sort_order.StaleOrderError:
        messages.error(request, "Nothing was saved: the rows have changed meanwhile. Here is how they are now.")


def _move(request: HttpRequest, source: Category, ticked: Sequence[int], target: int | None) -> None:
    destination = Category.objects.filter(pk=target).exclude(pk=source.pk).first() if target and ticked else None
    if destination is None:
        return
    sort_order.move_services(ticked, destination.pk)
    messages.success(request, f"{formats.whole(len(ticked))} moved to {destination}.")


def _ids(request: HttpRequest, name: str) -> list[int]:
    return [id_ for part in request.POST.get(name, "").split(",") if (id_ := wire_id(part))]
