"""Cost and margin in the list of services, for users who may view routes."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.catalog.margins import cost_cell, margin_badge, margin_percent_text
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import NewestChangeList
from tradepost.catalog.models import Service
from tradepost.providers import costs
from tradepost.providers.costs import Costs

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Service]
else:
    Base = object


class CostChangeList(NewestChangeList):
    """A list of services that reads the costs of the current page."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the costs of all services of the page by one query."""
        super().get_results(request)
        known_costs = costs.costs_by_service(self.result_list)
        for service in self.result_list:
            service.costs = known_costs.get(service.pk)


class CostColumnsMixin(Base):
    """Adds columns of costs and margins to the list of services."""

    def get_list_display(self, request: HttpRequest) -> Any:
        """Add the columns for users who may view routes."""
        names: Any = super().get_list_display(request)
        if not request.user.has_perm("providers.view_route"):
            return names
        place = names.index("rate") + 1
        return (*names[:place], "cost", "margin", *names[place:])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CostChangeList]:
        return CostChangeList

    @formatters.numeric_column("cost", ordering=costs.cost_ordering())
    def cost(self, service: Service) -> SafeString | str:
        """Show the cost of 1,000 by the first route and, if another route is cheaper, by the cheapest."""
        known_costs: Costs | None = getattr(service, "costs", None)
        if known_costs is None:
            return formats.NOTHING
        first, cheapest = cost_cell(known_costs.first), cost_cell(known_costs.cheapest)
        if known_costs.first == known_costs.cheapest:
            return format_html('<span class="tp-nowrap">{}</span>', first)
        return format_html('<span class="tp-nowrap">{}</span><small class="tp-under">from {}</small>', first, cheapest)

    @formatters.numeric_column("margin", ordering=costs.margin_ordering())
    def margin(self, service: Service) -> SafeString | str:
        """Show the margin over the first route's cost and, if another route is cheaper, over its cost."""
        known_costs: Costs | None = getattr(service, "costs", None)
        if known_costs is None:
            return formats.NOTHING
        first = margin_badge(service.rate, known_costs.first)
        if known_costs.first == known_costs.cheapest:
            return first
        return format_html(
            '{}<small class="tp-under">to {}</small>', first, margin_percent_text(service.rate, known_costs.cheapest)
        )
