"""An account's orders: the list with its tabs, search and filters, its CSV, and the lists of what is made of them."""

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
from tradepost.panel.requests import customer, search_text

PAGE_ROWS = 50
LOOKED_MAX = 5_000  # an account's orders that one page is looked for among: they lie apart, each is a page to be read
EXPORT_CHUNK = 2_000
YEARS = range(2000, 3000)  # in which orders are looked for
TABS = (*DELIVERING, Status.COMPLETED, Status.PARTIAL, Status.CANCELED)


class Page(NamedTuple):
    """Rows, newest first, and the ids that the pages on both sides of it begin at.

    `is_cut`: it might have more rows if more had been looked at; the older page goes on from there.
    """

    rows: list[Any]
    newer: int | None
    older: int | None
    is_cut: bool = False


class Search(NamedTuple):
    """What is asked for, and the orders it has to be looked for among; None where an index finds it."""

    found: QuerySet[Order]
    among: QuerySet[Order] | None


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """Show a page of the orders that the tabs, the search and the filters leave."""
    found, among = _asked(request)
    page = page_of(found.select_related("service"), request, among=among)
    context = {
        "page": page,
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
    """Send every order that the filters leave as CSV, oldest last, as it is read."""
    found = _asked(request).found.select_related("service").order_by("-id")
    return csv_of("orders", HEADINGS, (_row(order) for order in found.iterator(EXPORT_CHUNK)))


@require_safe
def dripfeeds(request: HttpRequest) -> HttpResponse:
    """List the orders that run several times."""
    found = _made_of_parts(customer(request)).filter(dispatch=Dispatch.RUNS.value).select_related("dripfeed")
    return render(request, "panel/made.html", {"page": page_of(found, request), "which": "dripfeeds"})


@require_safe
def subscriptions(request: HttpRequest) -> HttpResponse:
    """List the orders that wait for posts."""
    found = _made_of_parts(customer(request)).exclude(dispatch=Dispatch.RUNS.value)
    return render(request, "panel/made.html", {"page": page_of(found, request), "which": "subscriptions"})


@require_safe
def refills(request: HttpRequest) -> HttpResponse:
    """List the refills asked for."""
    found = Refill.objects.filter(account=customer(request)).select_related("order__service")
    return render(request, "panel/refills.html", {"page": page_of(found, request), "which": "refills"})


def page_of(found: QuerySet[Any], request: HttpRequest, *, among: QuerySet[Any] | None = None) -> Page:
    """Cut one page out of rows that are listed newest first, by the id that it is to begin before or after.

    `among`: the rows that they are looked for among, of which so many are looked at (decision 42).
    """
    before, after = wire_id(request.GET.get("before", "")), wire_id(request.GET.get("after", ""))
    if after:
        return _newer(found, after, among)
    first = _reach(among.filter(pk__lt=before) if before else among, "-id") if among is not None else None
    if first:
        found = found.filter(pk__gte=first)
    rows = list((found.filter(pk__lt=before) if before else found).order_by("-id")[: PAGE_ROWS + 1])
    has_older, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS]
    newer = (rows[0].pk if rows else before - 1) if before else None
    return Page(rows, newer, rows[-1].pk if has_older else first, is_cut=bool(first) and not has_older)


def _newer(found: QuerySet[Any], after: int, among: QuerySet[Any] | None) -> Page:
    last = _reach(among.filter(pk__gt=after), "id") if among is not None else None
    if last:
        found = found.filter(pk__lte=last)
    rows = list(found.filter(pk__gt=after).order_by("id")[: PAGE_ROWS + 1])
    has_newer, rows = len(rows) > PAGE_ROWS, rows[:PAGE_ROWS][::-1]
    return Page(rows, rows[0].pk if has_newer else last, rows[-1].pk if rows else after + 1)


def _reach(among: QuerySet[Any], order: str) -> int | None:
    """Return the last row that is looked at; None if all of them are."""
    ids = among.order_by(order).values_list("pk", flat=True)[LOOKED_MAX - 1 : LOOKED_MAX + 1]
    return ids[0] if len(ids) > 1 else None


def day_of(request: HttpRequest, name: str) -> datetime | None:
    """Return when a day that a filter names begins, where the person is; None if it names none."""
    try:
        day: date | None = parse_date(request.GET.get(name, ""))
    except ValueError:
        return None
    if day is None or day.year not in YEARS:
        return None
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001 - made aware at once


def csv_of(name: str, headings: tuple[object, ...], rows: Iterator[tuple[object, ...]]) -> StreamingHttpResponse:
    """Send rows as a CSV file of today."""
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


def _asked(request: HttpRequest) -> Search:
    """Return the orders that the page's parameters ask for. Runs and posts are listed with what they belong to."""
    account = customer(request)
    since, until = day_of(request, "from"), day_of(request, "to")
    end = until + timedelta(days=1) if until else None
    theirs = _of(account, is_test=bool(request.GET.get("test")))
    among = narrow_by_id(theirs, "created_at", since, end)
    found = filter_by_time(among, "created_at", since, end).filter(parent=None)
    if (status := request.GET.get("status", "")) in Status.values():
        found = found.filter(status=status)
    if service := wire_id(request.GET.get("service", "")):
        found = found.filter(service=service)
    text = search_text(request.GET, "q")
    if ids := _ids_of(theirs, text):
        return Search(found.filter(pk__in=ids), None)
    return Search(found.filter(link__icontains=text) if text else found, among)


def _of(account: Account, *, is_test: bool) -> QuerySet[Order]:
    if is_test:
        return Order.objects.filter(account__in=Account.objects.filter(test_of=account))
    return Order.objects.filter(account=account)


def _ids_of(theirs: QuerySet[Order], text: str) -> list[int]:
    """Return the orders whose ids are typed; none if there is none of them, or if anything else is typed."""
    typed = [wire_id(part) for part in text.replace("#", " ").replace(",", " ").split()]
    ids = [id_ for id_ in typed if id_]
    return list(theirs.filter(pk__in=ids).values_list("pk", flat=True)) if ids and len(ids) == len(typed) else []


def _made_of_parts(account: Account) -> QuerySet[Order]:
    return (
        Order.objects.filter(account=account, parts__isnull=False)
        .select_related("service")
        .annotate(made_count=Count("children"))
    )
