"""Lists of tables that may hold hundreds of millions of rows."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED_MAX = 10_000


class NewestPaginator(Paginator):  # type: ignore[type-arg] # not generic at run time
    """Pages over the first rows only. It counts up to `counted_max`; filters and search lead to older rows."""

    template_name = "backoffice/ui/newest_pages.html"
    counted_max = COUNTED_MAX
    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        return self.object_list.values("pk")[: self.counted_max].count()

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than the pages hold."""
        return self.count == self.counted_max


class NewestChangeList(ChangeList):
    """A list that knows only the rows it pages through."""

    def get_results(self, request: HttpRequest) -> None:
        """Take the paginator's count for the total, so that the page never shows a larger one."""
        super().get_results(request)
        self.full_result_count = self.result_count


class IdPaginator(NewestPaginator):
    """Pages over rows whose ids are all read at once, so that a slow search runs once per page, not three times."""

    @cached_property
    def ids(self) -> list[int]:
        """Return the ids of the rows to page through, the newest first."""
        return list(self.object_list.order_by("-pk").values_list("pk", flat=True)[: self.counted_max])

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        return len(self.ids)


class IdChangeList(NewestChangeList):
    """A list that finds ids by one search, then reads the rows of the current page by their ids."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        assert isinstance(self.paginator, IdPaginator)
        start = (self.page_num - 1) * self.list_per_page
        is_single_page = not self.multi_page or (self.show_all and self.can_show_all)
        ids = self.paginator.ids if is_single_page else self.paginator.ids[start : start + self.list_per_page]
        self.result_list = self.annotate_rows(
            self.apply_select_related(self.root_queryset.filter(pk__in=ids).order_by("-pk"))
        )

    def annotate_rows(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add what else the current page shows of its rows."""
        return rows


class UncountedListMixin:
    """Keeps the list of a `ModelAdmin` fast on a table of any size: no page counts the whole table."""

    paginator: Any = NewestPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # facets would count the table once for each choice
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestChangeList
