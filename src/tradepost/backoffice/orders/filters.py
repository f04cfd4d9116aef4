"""The filters of the order list. `search_window` decides how far back each filter searches."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from tradepost.backoffice.orders.search_window import BEFORE, ids_in, window_for
from tradepost.backoffice.ui.unfold_admin import DropdownFilter, RadioFilter, TextFilter
from tradepost.orders.models import Attempt, Order
from tradepost.providers.models import Provider


class RefreshFilter(RadioFilter):
    """Not a filter: makes the browser reload the list regularly, so that staff can watch orders move."""

    title = "reload"
    parameter_name = "reload"
    all_option = ("", "By hand")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("5", "Every 5 seconds"), ("30", "Every 30 seconds")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Do not filter."""
        return queryset


class BeforeFilter(RadioFilter):
    """A hidden filter. It makes Django accept the parameter `before`, which `search_window` reads."""

    title = "before"
    parameter_name = BEFORE

    def has_output(self) -> bool:
        return False

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []


class IdsFilter(TextFilter):
    """Orders by their ids, pasted from elsewhere. Text that is not a list of ids finds nothing."""

    title = "ids"
    parameter_name = "ids"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pk__in=ids_in(self.value() or "")) if self.value() else queryset


class UpstreamFilter(TextFilter):
    """Orders by their id at a provider."""

    title = "id at the provider"
    parameter_name = "upstream"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Look up the id at every provider: the index starts with the provider."""
        upstream_id = (self.value() or "").strip()
        if not upstream_id:
            return queryset
        providers = list(Provider.objects.values_list("pk", flat=True))
        attempts = Attempt.objects.filter(provider__in=providers, upstream_id=upstream_id).order_by()
        return queryset.filter(pk__in=list(attempts.values_list("order_id", flat=True)))


class LinkFilter(TextFilter):
    """Orders by a part of their link."""

    title = "link"
    parameter_name = "link"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        text = (self.value() or "").strip()
        return queryset.filter(link__icontains=text) if text else queryset


class ProviderFilter(DropdownFilter):
    """Orders with an attempt at a provider, whatever it answered."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Provider.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Search only the attempts of orders in the search window."""
        if not (self.value() or "").isdecimal():
            return queryset
        attempts = Attempt.objects.filter(provider=int(self.value() or 0)).order_by()
        window = window_for(request)
        attempts = attempts.filter(order_id__gte=window.first) if window.first else attempts
        return queryset.filter(pk__in=attempts.values("order_id"))


class PlayFilter(RadioFilter):
    """Real orders, or orders placed with test keys."""

    title = "kind"
    parameter_name = "play"
    all_option = ("", "All")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Real"), ("yes", "Test")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        return queryset.filter(account__test_of__isnull=self.value() == "no") if self.value() else queryset
