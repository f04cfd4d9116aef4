"""The filters of the order list. `search_window` decides how far back each of them looks."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from tradepost.backoffice.orders.search_window import BEFORE, ids_in, walk_for
from tradepost.backoffice.ui.unfold_admin import DropdownFilter, RadioFilter, TextFilter
from tradepost.orders.models import Attempt, Order
from tradepost.providers.models import Provider


class RefreshFilter(RadioFilter):
    """Not a filter: has the browser load the list again every so often, so that orders can be watched moving."""

    title = "reload"
    parameter_name = "reload"
    all_option = ("", "By hand")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the paces."""
        return [("5", "Every 5 seconds"), ("30", "Every 30 seconds")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Leave the list as it is."""
        return queryset


class BeforeFilter(RadioFilter):
    """Not shown: takes what leads further back for a parameter of the list, which `search_window` reads."""

    title = "before"
    parameter_name = BEFORE

    def has_output(self) -> bool:
        """Show nothing."""
        return False

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer nothing."""
        return []


class IdsFilter(TextFilter):
    """Orders by their ids, as they are pasted from elsewhere."""

    title = "ids"
    parameter_name = "ids"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down; what is no id finds nothing."""
        return queryset.filter(pk__in=ids_in(self.value() or "")) if self.value() else queryset


class UpstreamFilter(TextFilter):
    """Orders by what a provider calls them."""

    title = "id at the provider"
    parameter_name = "upstream"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down: an index has these ids, each provider's apart."""
        told = (self.value() or "").strip()
        if not told:
            return queryset
        providers = list(Provider.objects.values_list("pk", flat=True))
        found = Attempt.objects.filter(provider__in=providers, upstream_id=told).order_by()
        return queryset.filter(pk__in=list(found.values_list("order_id", flat=True)))


class LinkFilter(TextFilter):
    """Orders by a part of their link."""

    title = "link"
    parameter_name = "link"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        told = (self.value() or "").strip()
        return queryset.filter(link__icontains=told) if told else queryset


class ProviderFilter(DropdownFilter):
    """Orders that a provider was asked for, whatever it answered."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer them all."""
        return [(str(pk), name) for pk, name in Provider.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down, among the attempts of the orders that are looked at."""
        if not (self.value() or "").isdecimal():
            return queryset
        asked = Attempt.objects.filter(provider=int(self.value() or 0)).order_by()
        walk = walk_for(request)
        asked = asked.filter(order_id__gte=walk.first) if walk.first else asked
        return queryset.filter(pk__in=asked.values("order_id"))


class PlayFilter(RadioFilter):
    """Orders for money, or those of keys for tests."""

    title = "kind"
    parameter_name = "play"
    all_option = ("", "All")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("no", "Real"), ("yes", "Test")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Narrow the list down."""
        return queryset.filter(account__test_of__isnull=self.value() == "no") if self.value() else queryset
