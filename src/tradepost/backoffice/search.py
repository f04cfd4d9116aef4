"""The search of the whole back office (Ctrl-K): orders, accounts and services first, then entries of the menu.

Each kind of row is looked up by an index, or in a table that stays small, and only for users who may view its list.
"""

import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from django.core.paginator import Paginator
from django.db.models import Case, Q, When
from django.db.models.functions import Lower
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost.accounts.models import Account
from tradepost.backoffice.ui.site import site
from tradepost.catalog.models import Service
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.orders.models import Attempt, Order
from tradepost.providers.models import Provider

ROWS_MAX = 8  # of each kind
TERM_CHARS_MAX = 100
UPSTREAM_ID_CHARS_MAX = 64
_ID = re.compile(r"#?(\d{1,19})")


class SearchHit(msgspec.Struct, frozen=True):
    """What was found, as Unfold's template shows it."""

    title: str
    description: str
    link: str
    icon: str


def search(request: HttpRequest) -> HttpResponse:
    """Answer the search with links, the likeliest first. Nothing typed finds nothing."""
    began = time.monotonic()
    term = request.GET.get("s", "").strip()[:TERM_CHARS_MAX]
    if not term:
        return HttpResponse()
    hits = [*_rows(request, term), *_menu_entries(request, term)]
    paginator = Paginator(hits, max(len(hits), 1))
    context = {
        "search_term": term,
        "page_obj": paginator,
        "results": paginator.page(1),
        "page_counter": 0,
        "execution_time": time.monotonic() - began,
    }
    return TemplateResponse(request, "unfold/helpers/command_results.html", context, headers={"HX-Trigger": "search"})


def _rows(request: HttpRequest, term: str) -> Iterator[SearchHit]:
    has_perm = request.user.has_perm
    match = _ID.fullmatch(term)
    number = int(match[1]) if match and int(match[1]) <= BIGINT_MAX else None
    if has_perm("orders.view_order"):
        if number is not None:
            yield from _orders([number], "Order")
        if has_perm("providers.view_provider"):
            yield from _orders(_known_at_providers(term), f"{term} at its provider: order")
    if has_perm("accounts.view_account"):
        yield from _accounts(term, number)
    if has_perm("catalog.view_service"):
        yield from _services(term, number)


def _orders(ids: list[int], kind: str) -> Iterator[SearchHit]:
    orders = Order.objects.filter(pk__in=ids).select_related("account__test_of", "service")
    for order in orders.order_by("-pk")[:ROWS_MAX]:
        address = reverse("admin:orders_order_change", args=[order.pk])
        about = f"{order.status}, {order.service}, {order.account}"
        yield SearchHit(f"{kind} {order.pk}", about, address, "receipt_long")


def _known_at_providers(term: str) -> list[int]:
    """Return the orders with this id at a provider. The unique key begins with the provider, so all are named."""
    if len(term) > UPSTREAM_ID_CHARS_MAX:
        return []
    providers = list(Provider.objects.values_list("pk", flat=True))
    attempts = Attempt.objects.filter(provider__in=providers, upstream_id=term).order_by()
    return list(attempts.values_list("order_id", flat=True)[:ROWS_MAX])


def _accounts(term: str, number: int | None) -> Iterator[SearchHit]:
    """Find accounts by their id, or by how their address or name begins. Test accounts have no page."""
    begins = term.lower()
    by_email = Account.objects.filter(email__startswith=begins).order_by("email").values_list("pk", flat=True)
    named = Account.objects.annotate(name_lower=Lower("name")).filter(name_lower__startswith=begins)
    by_name = named.order_by("name_lower").values_list("pk", flat=True)
    ids = {*by_email[:ROWS_MAX], *by_name[:ROWS_MAX], *([number] if number is not None else [])}
    for account in Account.objects.filter(pk__in=ids, test_of=None).order_by("email")[:ROWS_MAX]:
        address = reverse("admin:accounts_account_change", args=[account.pk])
        yield SearchHit(str(account.email), f"Account {account.pk} {account.name}".rstrip(), address, "person")


def _services(term: str, number: int | None) -> Iterator[SearchHit]:
    """Find services by their id, or by a part of their name. A catalog is small enough to be read for that."""
    by_id = Q(pk=number) if number is not None else Q(pk__in=())
    services = Service.objects.filter(by_id | Q(name__icontains=term)).select_related("category")
    for service in services.order_by(Case(When(by_id, then=0), default=1), "-is_active", "pk")[:ROWS_MAX]:
        address = reverse("admin:catalog_service_change", args=[service.pk])
        about = f"Service, {service.category}{'' if service.is_active else ', off sale'}"
        yield SearchHit(str(service), about, address, "sell")


def _menu_entries(request: HttpRequest, term: str) -> Iterator[SearchHit]:
    menu: Any = site
    for group in menu.get_sidebar_list(request):
        for item in group["items"]:
            if item["has_permission"] and term.lower() in str(item["title"]).lower():
                yield SearchHit(str(item["title"]), f"Menu, {group['title']}", str(item["link"]), item["icon"])
