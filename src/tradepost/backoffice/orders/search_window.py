"""How far back a search of orders looks, so that no search overloads the database, however many orders there are.

The table of orders has few indexes, since each one slows down every new order: one by id, one by account, and one of
active orders. A search that an index can answer covers all orders. Any other search covers the newest orders only, says
so, and offers to search further back (decision 42).
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from django.db.models import Max, Min, QuerySet
from django.http import HttpRequest, QueryDict

from tradepost.backoffice.ui import dates
from tradepost.engine.statuses import ACTIVE
from tradepost.id_ranges import SLACK, first_id_since
from tradepost.orders.models import IS_ACTIVE, Order

WINDOW_ORDERS_MAX = 200_000  # orders that a search without an index reads in a row
ACCOUNT_ORDERS_MAX = 20_000  # of one account: each lies on another page of the table
ACTIVE_ORDERS_MAX = 20_000  # active ones: each lies on another page of the table, too
IDS_MAX = 1_000
BEFORE = "before"
EXPORT_URL_NAME = "orders_order_export"  # the export, which searches all orders

_IDS = re.compile(r"#?\d{1,18}(?:[\s,]+#?\d{1,18})*")
_EXACT = ("ids", "upstream", "parent", "parent__id__exact", "pk__in", "id__in")
_ACCOUNT = ("account", "account__id__exact")
_DAYS = ("created_at_from", "created_at_to")
_NOT_FILTERS = ("p", "all", "o", "e", "reload", "_facets", "_changelist_filters", *_DAYS, BEFORE)


class SearchWindow(msgspec.Struct, frozen=True):
    """The ids to search: from `first`, and below `end`. `is_cut`: there are older orders below `first`."""

    first: int = 0
    end: int | None = None
    is_cut: bool = False

    def narrow(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Leave out orders outside the window."""
        if self.first:
            orders = orders.filter(pk__gte=self.first)
        return orders if self.end is None else orders.filter(pk__lt=self.end)

    def since(self) -> datetime | None:
        """Return when the oldest order in the window was placed."""
        return Order.objects.filter(pk__gte=self.first).order_by("pk").values_list("created_at", flat=True).first()


def window_for(request: HttpRequest) -> SearchWindow:
    """Return the window that the list searches. The export has no such limit."""
    match, query = request.resolver_match, request.GET
    end = _number(query, BEFORE)
    filters = _filter_names(query)
    if not filters or _is_indexed(filters, query) or (match and match.url_name == EXPORT_URL_NAME):
        return SearchWindow(end=end)
    account = next((number for name in _ACCOUNT if (number := _number(query, name)) is not None), None)
    if account is not None:
        return SearchWindow(end=end) if len(filters) == 1 else _account_window(account, end)
    if (
        _is_active_only(query)
        and Order.objects.filter(IS_ACTIVE).values("pk")[:ACTIVE_ORDERS_MAX].count() < ACTIVE_ORDERS_MAX
    ):
        return SearchWindow(end=end)
    return _newest_window(query, end)


def export_windows(request: HttpRequest) -> Iterator[SearchWindow]:
    """Yield the windows that together cover all orders to export, the newest first. One is enough if an index helps."""
    query = request.GET
    end = _number(query, BEFORE)
    filters = _filter_names(query)
    if not filters or _is_indexed(filters, query):
        yield SearchWindow(end=end)
        return
    highest = _highest_id(query) if end is None else min(_highest_id(query), end - 1)
    lowest = _lowest_id(query) or Order.objects.aggregate(oldest=Min("pk"))["oldest"] or 1
    while highest >= lowest:
        first = max(highest - WINDOW_ORDERS_MAX + 1, lowest)
        yield SearchWindow(first, highest + 1, is_cut=first > lowest)
        highest = first - 1


def ids_in(text: str) -> list[int]:
    """Return the order ids in a text; none if the text contains anything else."""
    return [int(number) for number in re.findall(r"\d+", text)[:IDS_MAX]] if _IDS.fullmatch(text.strip()) else []


def _filter_names(query: QueryDict) -> set[str]:
    return {name for name in query if name not in _NOT_FILTERS and any(query.getlist(name))}


def _is_indexed(filters: set[str], query: QueryDict) -> bool:
    """Return whether an index finds what the query asks for. As the filters do, read the last value, stripped."""
    exact_filters = {name for name in filters.intersection(_EXACT) if query.get(name, "").strip()}
    return bool(exact_filters) or bool(ids_in(query.get("q", "")))


def _number(query: QueryDict, name: str) -> int | None:
    text = query.get(name, "")
    return int(text) if text.isdecimal() else None


def _is_active_only(query: QueryDict) -> bool:
    statuses = [status for status in query.getlist("status__exact") if status]
    return bool(statuses) and set(statuses) <= {status.value for status in ACTIVE}


def _account_window(account: int, end: int | None) -> SearchWindow:
    account_orders = Order.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    if end is not None:
        account_orders = account_orders.filter(pk__lt=end)
    oldest = account_orders[ACCOUNT_ORDERS_MAX : ACCOUNT_ORDERS_MAX + 1].first()
    return SearchWindow(end=end) if oldest is None else SearchWindow(oldest + 1, end, is_cut=True)


def _newest_window(query: QueryDict, end: int | None) -> SearchWindow:
    highest = _highest_id(query)
    if end is not None:
        highest = min(highest, end - 1)
    first = highest - WINDOW_ORDERS_MAX + 1
    lowest = _lowest_id(query) or 1
    return SearchWindow(max(first, lowest), end, is_cut=first > lowest)


def _lowest_id(query: QueryDict) -> int | None:
    """Return the first id that can lie in the chosen days; None if no first day is chosen."""
    start = dates.parse_day(query.get("created_at_from", ""))
    return first_id_since("orders_order", "created_at", start - SLACK) if start else None


def _highest_id(query: QueryDict) -> int:
    newest = Order.objects.aggregate(newest=Max("pk"))["newest"] or 0
    last = dates.parse_day(query.get("created_at_to", ""))
    if last is None:
        return newest
    day_after = last + timedelta(days=1) + SLACK
    return min(newest, first_id_since("orders_order", "created_at", day_after))
