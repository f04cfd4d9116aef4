"""How far back a search through orders looks, so that none burdens the database however many there are.

The table of orders has few indexes, since each would cost every order that is placed: by id, by account, and of those
that are active. A search that one of them answers sees everything. Any other looks at the newest orders only, says so,
and goes on further back if asked to (decision 42).
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

WALKED_MAX = 200_000  # orders looked at one after the other
OF_ACCOUNT_MAX = 20_000  # of one account: they lie apart, so each is a page to be read
ACTIVE_MAX = 20_000  # the same goes for those that are active
IDS_MAX = 1_000
BEFORE = "before"
WHOLE = "orders_order_export"  # where there is a file of all that is found

_IDS = re.compile(r"#?\d{1,18}(?:[\s,]+#?\d{1,18})*")
_EXACT = ("ids", "upstream", "parent", "parent__id__exact", "pk__in", "id__in")
_ACCOUNT = ("account", "account__id__exact")
_DAYS = ("created_at_from", "created_at_to")
_NOT_FILTERS = ("p", "all", "o", "e", "reload", "_facets", "_changelist_filters", *_DAYS, BEFORE)


class SearchWindow(msgspec.Struct, frozen=True):
    """The ids that are looked at: from `first` on, and before `end`. `is_cut`: there are more before them."""

    first: int = 0
    end: int | None = None
    is_cut: bool = False

    def narrow(self, orders: QuerySet[Order]) -> QuerySet[Order]:
        """Leave out what is not looked at."""
        if self.first:
            orders = orders.filter(pk__gte=self.first)
        return orders if self.end is None else orders.filter(pk__lt=self.end)

    def since(self) -> datetime | None:
        """Return when the oldest order looked at was placed."""
        return Order.objects.filter(pk__gte=self.first).order_by("pk").values_list("created_at", flat=True).first()


def walk_for(request: HttpRequest) -> SearchWindow:
    """Return how far a search looks that the list is asked for; the file of all that is found has no such bound."""
    match, asked = request.resolver_match, request.GET
    end = _number(asked, BEFORE)
    filters = _filters(asked)
    if not filters or _is_exact(filters, asked) or (match and match.url_name == WHOLE):
        return SearchWindow(end=end)
    account = next((number for name in _ACCOUNT if (number := _number(asked, name)) is not None), None)
    if account is not None:
        return SearchWindow(end=end) if len(filters) == 1 else _of_account(account, end)
    if _is_active_only(asked) and Order.objects.filter(IS_ACTIVE).values("pk")[:ACTIVE_MAX].count() < ACTIVE_MAX:
        return SearchWindow(end=end)
    return _newest(asked, end)


def stretches(request: HttpRequest) -> Iterator[SearchWindow]:
    """Return the walks that together look at all that is asked for, the newest first; one, if an index finds it."""
    asked = request.GET
    end = _number(asked, BEFORE)
    filters = _filters(asked)
    if not filters or _is_exact(filters, asked):
        yield SearchWindow(end=end)
        return
    top = _top(asked) if end is None else min(_top(asked), end - 1)
    lowest = _lowest(asked) or Order.objects.aggregate(oldest=Min("pk"))["oldest"] or 1
    while top >= lowest:
        first = max(top - WALKED_MAX + 1, lowest)
        yield SearchWindow(first, top + 1, is_cut=first > lowest)
        top = first - 1


def ids_in(text: str) -> list[int]:
    """Return the ids that a text consists of; none if there is anything else in it."""
    return [int(number) for number in re.findall(r"\d+", text)[:IDS_MAX]] if _IDS.fullmatch(text.strip()) else []


def _filters(asked: QueryDict) -> set[str]:
    return {name for name in asked if name not in _NOT_FILTERS and any(asked.getlist(name))}


def _is_exact(filters: set[str], asked: QueryDict) -> bool:
    """Tell whether an index finds all that is asked for, by what the filters read: the last value, without its ends."""
    told = {name for name in filters.intersection(_EXACT) if asked.get(name, "").strip()}
    return bool(told) or bool(ids_in(asked.get("q", "")))


def _number(asked: QueryDict, name: str) -> int | None:
    text = asked.get(name, "")
    return int(text) if text.isdecimal() else None


def _is_active_only(asked: QueryDict) -> bool:
    statuses = [status for status in asked.getlist("status__exact") if status]
    return bool(statuses) and set(statuses) <= {status.value for status in ACTIVE}


def _of_account(account: int, end: int | None) -> SearchWindow:
    theirs = Order.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    if end is not None:
        theirs = theirs.filter(pk__lt=end)
    oldest = theirs[OF_ACCOUNT_MAX : OF_ACCOUNT_MAX + 1].first()
    return SearchWindow(end=end) if oldest is None else SearchWindow(oldest + 1, end, is_cut=True)


def _newest(asked: QueryDict, end: int | None) -> SearchWindow:
    top = _top(asked)
    if end is not None:
        top = min(top, end - 1)
    first = top - WALKED_MAX + 1
    lowest = _lowest(asked) or 1
    return SearchWindow(max(first, lowest), end, is_cut=first > lowest)


def _lowest(asked: QueryDict) -> int | None:
    """Return the first id that the days asked for can hold; None if they have no beginning."""
    start = dates.parse_day(asked.get("created_at_from", ""))
    return first_id_since("orders_order", "created_at", start - SLACK) if start else None


def _top(asked: QueryDict) -> int:
    newest = Order.objects.aggregate(newest=Max("pk"))["newest"] or 0
    last = dates.parse_day(asked.get("created_at_to", ""))
    if last is None:
        return newest
    day_after = last + timedelta(days=1) + SLACK
    return min(newest, first_id_since("orders_order", "created_at", day_after))
