"""Lists of tables that may hold hundreds of millions of rows."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED_MAX = 10_000


class NewestPages(Paginator):  # type: ignore[type-arg] # not generic when it runs
    """Pages over the first rows only: it counts no further than `COUNTED_MAX`; filters and search lead to the rest."""

    template_name = "backoffice/ui/newest_pages.html"
    counted_max = COUNTED_MAX
    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        return self.object_list.values("pk")[: self.counted_max].count()

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than are paged through."""
        return self.count == self.counted_max


class NewestList(ChangeList):
    """A list that knows of no rows but those it pages through."""

    def get_results(self, request: HttpRequest) -> None:
        """Take what was counted for all there is, so that the page's head doesn't speak of more."""
        super().get_results(request)
        self.full_result_count = self.result_count


class FoundPages(NewestPages):
    """Pages of rows whose ids are all found at once, so that a search that finds little walks once, not thrice."""

    @cached_property
    def ids(self) -> list[int]:
        """Return the ids of what is paged through, the newest first."""
        return list(self.object_list.order_by("-pk").values_list("pk", flat=True)[: self.counted_max])

    @cached_property
    def count(self) -> int:
        """How many rows there are to page through."""
        return len(self.ids)


class FoundList(NewestList):
    """A list of which one walk finds the ids; the rows of a page are read by those."""

    def get_results(self, request: HttpRequest) -> None:
        """Show a page of what was found."""
        super().get_results(request)
        assert isinstance(self.paginator, FoundPages)
        start = (self.page_num - 1) * self.list_per_page
        is_whole = not self.multi_page or (self.show_all and self.can_show_all)
        ids = self.paginator.ids if is_whole else self.paginator.ids[start : start + self.list_per_page]
        self.result_list = self.rows(self.apply_select_related(self.root_queryset.filter(pk__in=ids).order_by("-pk")))

    def rows(self, found: QuerySet[Any]) -> QuerySet[Any]:
        """Add what else the page's rows need."""
        return found


class UncountedListMixin:
    """Put before a `ModelAdmin` whose table may grow without end: no page of its list counts the table."""

    paginator: Any = NewestPages
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # they would count the table once for each choice
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List the newest."""
        return NewestList
