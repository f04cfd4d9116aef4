"""The list of orders. One search finds the ids from which both the page and the count are made."""

import re
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tradepost.accounts.models import Account
from tradepost.backoffice.orders import columns
from tradepost.backoffice.orders.search_window import BEFORE, SearchWindow, ids_in, window_for
from tradepost.backoffice.ui.pagination import IdChangeList

ACCOUNTS_MAX = 100
_EMAIL = re.compile(r"[^@/\s]+@[^@/\s]+")


class OrderChangeList(IdChangeList):
    """A list of the orders in a search window."""

    window = SearchWindow()

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Limit the filtered orders to the search window."""
        self.window = window_for(request)
        return self.window.narrow(super().get_queryset(request, exclude_parameters))

    def annotate_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return columns.with_provider_columns(rows, self.list_display)

    @property
    def further_back(self) -> str:
        """The query string of this list for the orders before the window."""
        return self.get_query_string({BEFORE: str(self.window.first)})

    @property
    def same(self) -> str:
        """The query string of this list."""
        return self.get_query_string()


def search_condition(term: str) -> Q:
    """Search by what the term looks like: order ids, an e-mail address, or else part of a link or an address."""
    ids = ids_in(term)
    if ids:
        return Q(pk__in=ids)
    accounts = list(Account.objects.filter(email__icontains=term).values_list("pk", flat=True)[:ACCOUNTS_MAX])
    if _EMAIL.fullmatch(term):
        return Q(account__in=accounts)
    return Q(link__icontains=term) | Q(account__in=accounts)
