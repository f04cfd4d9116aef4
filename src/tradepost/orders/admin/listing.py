"""The list of orders: found in one walk, of which the page and the count are both made."""

import re
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from tradepost.accounts.models import Account
from tradepost.backoffice.paging import NewestList, NewestPages
from tradepost.orders.admin import columns
from tradepost.orders.admin.walking import BEFORE, Walk, ids_in, walk_for

ACCOUNTS_MAX = 100
_EMAIL = re.compile(r"[^@/\s]+@[^@/\s]+")


class FoundPages(NewestPages):
    """Pages of orders whose ids are all found at once, so that a search that finds little walks once, not thrice."""

    @cached_property
    def ids(self) -> list[int]:
        """The ids of what is paged through, the newest first."""
        return list(self.object_list.order_by("-pk").values_list("pk", flat=True)[: self.counted_max])

    @cached_property
    def count(self) -> int:
        """How many orders there are to page through."""
        return len(self.ids)


class OrderList(NewestList):
    """The orders that are looked at, and how far back that is."""

    walk = Walk()

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Bound what Django makes of the filters."""
        self.walk = walk_for(request)
        return self.walk.narrow(super().get_queryset(request, exclude_parameters))

    def get_results(self, request: HttpRequest) -> None:
        """Show a page of what was found in one walk."""
        super().get_results(request)
        assert isinstance(self.paginator, FoundPages)
        start = (self.page_num - 1) * self.list_per_page
        is_whole = not self.multi_page or (self.show_all and self.can_show_all)
        ids = self.paginator.ids if is_whole else self.paginator.ids[start : start + self.list_per_page]
        rows = self.apply_select_related(self.root_queryset.filter(pk__in=ids).order_by("-pk"))
        self.result_list = columns.annotated(rows, self.list_display)

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
