"""Cost and margin in the list of services, for staff who may see where services are bought."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.catalog.margins import margin_badge, margin_of, written_cost
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import NewestList
from tradepost.catalog.models import Service
from tradepost.providers import costs
from tradepost.providers.costs import Costs

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Service]
else:
    Base = object


class CostedList(NewestList):
    """A list of services that knows what those of its page cost."""

    def get_results(self, request: HttpRequest) -> None:
        """Ask for the costs of the page, once."""
        super().get_results(request)
        known = costs.costs_by_service(self.result_list)
        for service in self.result_list:
            service.costs = known.get(service.pk)


class CostColumnsMixin(Base):
    """Put before the `ModelAdmin` of services."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show costs to those who may see where services are bought."""
        shown: Any = super().get_list_display(request)
        if not request.user.has_perm("providers.view_route"):
            return shown
        after = shown.index("rate") + 1
        return (*shown[:after], "cost", "margin", *shown[after:])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CostedList]:
        """List them with their costs."""
        return CostedList

    @formatters.figure("cost", ordering=costs.cost_ordering())
    def cost(self, service: Service) -> SafeString | str:
        """Show what 1,000 cost by the first route and, if that is another one, by the cheapest."""
        known: Costs | None = getattr(service, "costs", None)
        if known is None:
            return formatters.NOTHING
        first, cheapest = written_cost(known.first), written_cost(known.cheapest)
        if known.first == known.cheapest:
            return format_html('<span class="tp-nowrap">{}</span>', first)
        return format_html('<span class="tp-nowrap">{}</span><small class="tp-under">from {}</small>', first, cheapest)

    @formatters.figure("margin", ordering=costs.margin_ordering())
    def margin(self, service: Service) -> SafeString | str:
        """Show what is left of the rate above the first route's cost and, if that is another one, the cheapest's."""
        known: Costs | None = getattr(service, "costs", None)
        if known is None:
            return formatters.NOTHING
        first = margin_badge(service.rate, known.first)
        if known.first == known.cheapest:
            return first
        return format_html('{}<small class="tp-under">to {}</small>', first, margin_of(service.rate, known.cheapest))
