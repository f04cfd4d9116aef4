"""The list of orders: found in one walk, of which the page and the count are both made."""

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tradepost.accounts.models import Account
from tradepost.backoffice.orders import columns
from tradepost.backoffice.orders.search_window import BEFORE, SearchWindow, ids_in, walk_for
from tradepost.backoffice.ui.pagination import IdChangeList

ACCOUNTS_MAX = 100
_EMAIL = re.compile(r"[^@/\s]+@[^@/\s]+")


class OrderList(IdChangeList):
    """The orders that are looked at, and how far back that is."""

    walk = SearchWindow()

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Bound what Django makes of the filters."""
        self.walk = walk_for(request)
        return self.walk.narrow(super().get_queryset(request, exclude_parameters))

    def annotate_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add what the chosen columns show."""
        return columns.annotated(rows, self.list_display)

    @property
    def further_back(self) -> str:
        """How the list is asked for again with the orders before those that were looked at."""
        return self.get_query_string({BEFORE: str(self.walk.first)})

    @property
    def same(self) -> str:
        """How the list is asked for again."""
        return self.get_query_string()


def matching(term: str) -> Q:
    """Search by what a term looks like: ids, an address, or else a link or part of an address."""
    ids = ids_in(term)
    if ids:
        return Q(pk__in=ids)
    accounts = list(Account.objects.filter(email__icontains=term).values_list("pk", flat=True)[:ACCOUNTS_MAX])
    if _EMAIL.fullmatch(term):
        return Q(account__in=accounts)
    return Q(link__icontains=term) | Q(account__in=accounts)
