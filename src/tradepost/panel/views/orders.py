"""A customer's orders: the list with tabs, search and filters, its CSV, drip-feeds, subscriptions and refills."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from tradepost import csv_files
from tradepost.accounts.models import Account
from tradepost.engine import money
from tradepost.engine.order_types import wire_id
from tradepost.engine.statuses import ACTIVE, DELIVERING, Dispatch, Status
from tradepost.id_ranges import filter_by_time, narrow_by_id
from tradepost.orders.models import Order, Refill
from tradepost.panel.order_actions import actionable
from tradepost.panel.requests import customer, search_text

PAGE_ROWS = 50
LOOKED_MAX = 5_000  # the orders that one search reads: an account's orders are spread over the table, a disk page each
EXPORT_CHUNK = 2_000
YEARS = range(2000, 3000)  # that filters by day accept
TABS = (*DELIVERING, Status.COMPLETED, Status.PARTIAL, Status.CANCELED)


class Page(NamedTuple):
    """Rows, newest first, and the ids at which the newer and the older page begin.

    `is_cut`: the search stopped at `LOOKED_MAX` orders, before the page was full. The older page continues there.
    """

    rows: list[Any]
    newer: int | None
    older: int | None
    is_cut: bool = False


class OrderSearch(NamedTuple):
    """The matching orders, and the larger set that the database must read for them; None if an index finds them."""

    matches: QuerySet[Order]
    among: QuerySet[Order] | None


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Show a page of the orders that match the tab, the search and the filters."""
    matches, among = _search(request)
    page = page_of(matches.select_related("service"), request, among=among)
    context = {
        "page": page,
        "rows": actionable(page.rows),
        "looked_at": LOOKED_MAX,
        "looked_back_to": Order.objects.get(pk=page.older).created_at if page.is_cut and page.older else None,
        "tabs": TABS,
        "status": request.GET.get("status", ""),
        "text": search_text(request.GET, "q"),
        "is_test": bool(request.GET.get("test")),
        "is_filtered": any(request.GET.get(name) for name in ("status", "q", "from", "to", "service")),
        "active": ACTIVE,
        "is_live": any(order.status in ACTIVE for order in page.rows),
    }
    is_part = request.headers.get("HX-Target") == "rows"
    return render(request, "panel/order_rows.html" if is_part else "panel/orders.html", context)


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Send all orders that match the filters as CSV, newest first, while they are read."""
    matches = _search(request).matches.select_related("service").order_by("-id")
    return csv_of("orders", HEADINGS, (_row(order) for order in matches.iterator(EXPORT_CHUNK)))


@require_safe
def dripfeeds(request: HttpRequest) -> HttpResponse:
    rows = _parent_orders(customer(request)).filter(dispatch=Dispatch.RUNS.value).select_related("dripfeed")
    return render(request, "panel/made.html", {"page": page_of(rows, request), "which": "dripfeeds"})


@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    rows = _parent_orders(customer(request)).exclude(dispatch=Dispatch.RUNS.value)
    return render(request, "panel/made.html", {"page": page_of(rows, request), "which": "subscriptions"})


@require_safe
def refills(request: HttpRequest) -> HttpResponse:
    rows = Refill.objects.filter(account=customer(request)).select_related("order__service")
    return render(request, "panel/refills.html", {"page": page_of(rows, request), "which": "refills"})


def page_of(matches: QuerySet[Any], request: HttpRequest, *, among: QuerySet[Any] | None = None) -> Page:
    """Return the page, newest rows first, that begins before or after the id in the request's parameters.

    `among`: the larger set that the database reads to find the matches. At most `LOOKED_MAX` of its rows are read
    (decision 42).
    """
    before, after = wire_id(request.GET.get("before", "")), wire_id(request.GET.get("after", ""))
    if after:
        return _newer_page(matches, after, among)
    first = _last_read(among.filter(pk__lt=before) if before else among, "-id") if among is not None else None
    if first:
        matches = matches.filter(pk__gte=first)
    rows = list((matches.filter(pk__lt=before) if before else matches).order_by("-id")[: PAGE_ROWS + 1])
    has_older, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    newer = (rows[0].pk if rows else before - 1) if before else None
    return Page(rows, newer, rows[-1].pk if has_older else first, is_cut=bool(first) and not has_older)


def _newer_page(matches: QuerySet[Any], after: int, among: QuerySet[Any] | None) -> Page:
    last = _last_read(among.filter(pk__gt=after), "id") if among is not None else None
    if last:
        matches = matches.filter(pk__lte=last)
    rows = list(matches.filter(pk__gt=after).order_by("id")[: PAGE_ROWS + 1])
    has_newer, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS][::-1]
    return Page(rows, rows[0].pk if has_newer else last, rows[-1].pk if rows else after + 1)


def _last_read(among: QuerySet[Any], order: str) -> int | None:
    """Return the id of the last row that the search may read; None if it may read all rows."""
    ids = among.order_by(order).values_list("pk", flat=True)[LOOKED_MAX - 1 : LOOKED_MAX + 1]
    return ids[0] if len(ids) > 1 else None


def day_of(request: HttpRequest, name: str) -> datetime | None:
    """Return the start of a filter's day, in the customer's time zone; None if there is no valid day."""
    try:
        day: date | None = parse_date(request.GET.get(name, ""))
    except ValueError:
        return None
    if day is None or day.year not in YEARS:
        return None
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - made aware at once


def csv_of(name: str, headings: tuple[object, ...], rows: Iterator[tuple[object, ...]]) -> StreamingHttpResponse:
    """Send rows as a CSV file with today's date in its name."""
    return csv_files.download(f"{name}-{timezone.localdate()}", headings, rows)


HEADINGS: tuple[object, ...] = (
    "order",
    "created",
    "service",
    "name",
    "link",
    "quantity",
    "charge",
    "status",
    "start_count",
    "remains",
)


def _row(order: Order) -> tuple[object, ...]:
    return (
        order.pk,
        timezone.localtime(order.created_at).isoformat(timespec="seconds"),
        order.service_id,
        order.service.name,
        order.link,
        order.quantity,
        money.show(order.net),
        order.status,
        order.start_count or 0,
        order.remains,
    )


def _search(request: HttpRequest) -> OrderSearch:
    """Return the orders that match the page's parameters. Child orders (runs, posts) are on their parent's page."""
    account = customer(request)
    since, until = day_of(request, "from"), day_of(request, "to")
    end = until + timedelta(days=1) if until else None
    own = _own_orders(account, is_test=bool(request.GET.get("test")))
    among = narrow_by_id(own, "created_at", since, end)
    matches = filter_by_time(among, "created_at", since, end).filter(parent=None)
    if (status := request.GET.get("status", "")) in Status.values():
        matches = matches.filter(status=status)
    if service := wire_id(request.GET.get("service", "")):
        matches = matches.filter(service=service)
    text = search_text(request.GET, "q")
    if ids := _own_ids_in(text, own):
        return OrderSearch(matches.filter(pk__in=ids), None)
    return OrderSearch(matches.filter(link__icontains=text) if text else matches, among)


def _own_orders(account: Account, *, is_test: bool) -> QuerySet[Order]:
    if is_test:
        return Order.objects.filter(account__in=Account.objects.filter(test_of=account))
    return Order.objects.filter(account=account)


def _own_ids_in(text: str, own: QuerySet[Order]) -> list[int]:
    """Return the ids in a text that are the customer's orders. If the text has other words, return none."""
    words = [wire_id(part) for part in text.replace("#", " ").replace(",", " ").split()]
    ids = [id_ for id_ in words if id_]
    return list(own.filter(pk__in=ids).values_list("pk", flat=True)) if ids and len(ids) == len(words) else []


def _parent_orders(account: Account) -> QuerySet[Order]:
    return (
        Order.objects.filter(account=account, parts__isnull=False)
        .select_related("service")
        .annotate(made_count=Count("children"))
    )
