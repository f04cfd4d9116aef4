"""Routes in the back office: on the page of the service that they lead from."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice import showing
from tradepost.backoffice.paging import NewestList
from tradepost.backoffice.styled import (
    CheckboxesWidget,
    DialogForm,
    StackedInline,
    dialog_button,
)
from tradepost.catalog.admin import ServiceAdmin
from tradepost.catalog.admin.rates import PlainDecimals
from tradepost.catalog.models import Service
from tradepost.providers import costs, duplicating, following
from tradepost.providers.admin.bulk_editing import BulkEditing
from tradepost.providers.admin.figures import margin_badge, margin_of, written_cost, written_margin
from tradepost.providers.costs import Costs
from tradepost.providers.models import Followed, ProviderService, Route

QUARANTINES_SHOWN_MAX = 10


class RouteForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """A route of a service."""

    follows = forms.MultipleChoiceField(
        choices=Followed.choices(),
        required=False,
        widget=CheckboxesWidget,
        help_text="What of the service changes with its provider's, if this is its first active route.",
    )


class RouteInline(PlainDecimals, StackedInline[Route, Service]):
    """The ways to providers, the first one first."""

    model = Route
    form = RouteForm
    extra = 0
    show_title = False
    ordering = ("position", "id")
    autocomplete_fields = ("provider_service",)
    readonly_fields = ("cost", "margin")
    fields = (
        "provider_service", ("position", "is_active"), ("cost", "margin"), ("multiplier", "overflow_percent"),
        ("markup_percent", "rate_decimals"), "follows",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        """Take along what the routes lead to."""
        return super().get_queryset(request).select_related("service", "provider_service__provider")

    def formfield_for_foreignkey(self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any) -> Any:
        """Name what a route leads to without asking for each provider."""
        if db_field.name == "provider_service":
            kwargs["queryset"] = ProviderService.objects.select_related("provider")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="cost of 1,000")
    def cost(self, route: Route) -> SafeString | str:
        """Show what 1,000 of ours cost by this route, in our currency."""
        if not route.pk:
            return showing.NOTHING
        way = following.way(route, route.service.type)
        return format_html(
            "{} {}", written_cost(way.terms.rate), showing.badge("gone", "danger") if way.is_delisted else ""
        )

    @admin.display(description="margin")
    def margin(self, route: Route) -> SafeString | str:
        """Show how much of the rate is left above it, of 1,000 and in percent."""
        if not route.pk:
            return showing.NOTHING
        cost = following.way(route, route.service.type).terms.rate
        return format_html("{} {}", margin_badge(route.service.rate, cost), written_margin(route.service.rate, cost))


admin.site.unregister(Service)


class CostedList(NewestList):
    """A list of services that knows what those of its page cost."""

    def get_results(self, request: HttpRequest) -> None:
        """Ask for the costs of the page, once."""
        super().get_results(request)
        known = costs.of(self.result_list)
        for service in self.result_list:
            service.costs = known.get(service.pk)


@admin.register(Service)
class RoutedServiceAdmin(BulkEditing, ServiceAdmin):
    """The services of the catalog, with their routes; what would be sold below cost is taken off sale at once."""

    inlines: ClassVar[Any] = (RouteInline, *ServiceAdmin.inlines)
    actions: Any = ("bulk_edit", "settle_ticked", *ServiceAdmin.actions)
    actions_detail = ("settle_quarantine", "duplicate")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show costs to those who may see where services are bought."""
        shown = super().get_list_display(request)
        if not request.user.has_perm("providers.view_route"):
            return shown
        after = shown.index("rate") + 1
        return (*shown[:after], "cost", "margin", *shown[after:])

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CostedList]:  # noqa: ARG002 - Django's
        """List them with their costs."""
        return CostedList

    @showing.figure("cost", ordering=costs.to_sort_by_cost())
    def cost(self, service: Service) -> SafeString | str:
        """Show what 1,000 cost by the first route and, if that is another one, by the cheapest."""
        known: Costs | None = getattr(service, "costs", None)
        if known is None:
            return showing.NOTHING
        first, cheapest = written_cost(known.first), written_cost(known.cheapest)
        if known.first == known.cheapest:
            return format_html('<span class="tp-nowrap">{}</span>', first)
        return format_html('<span class="tp-nowrap">{}</span><small class="tp-under">from {}</small>', first, cheapest)

    @showing.figure("margin", ordering=costs.to_sort_by_margin())
    def margin(self, service: Service) -> SafeString | str:
        """Show what is left of the rate above the first route's cost and, if that is another one, the cheapest's."""
        known: Costs | None = getattr(service, "costs", None)
        if known is None:
            return showing.NOTHING
        first = margin_badge(service.rate, known.first)
        if known.first == known.cheapest:
            return first
        return format_html('{}<small class="tp-under">to {}</small>', first, margin_of(service.rate, known.cheapest))

    def has_settle_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change services may settle the quarantine of those that are in it."""
        if object_id and not Service.objects.filter(pk=int(object_id)).exclude(quarantine="").exists():
            return False
        return request.user.has_perm("catalog.change_service")

    @admin.action(description="Settle quarantine", permissions=["settle"])
    def settle_ticked(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Put what is ticked back on sale, at what its rate is to be by now, unless it is still not to be sold."""
        self._settle(request, list(queryset.exclude(quarantine="")))

    @dialog_button(
        "Settle quarantine",
        permission="settle",
        title="Put this service back on sale?",
        text="It takes over what it follows of its provider's, however much that has risen. It is not sold below cost.",
    )
    def settle_quarantine(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:  # noqa: ARG002
        """Put it back on sale, unless it is still not to be sold."""
        service = get_object_or_404(Service, pk=object_id)
        self._settle(request, [service])
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_service_change", args=[service.pk])})

    def has_duplicate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:  # noqa: ARG002 - Unfold's
        """Whoever may add services may make them once more."""
        return request.user.has_perm("catalog.add_service")

    @dialog_button(
        "Duplicate",
        permission="duplicate",
        title="Duplicate this service?",
        text="The copy stands behind it, off sale, with the same routes. Rates agreed with accounts are not copied.",
    )
    def duplicate(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:  # noqa: ARG002
        """Make it once more, and lead to the copy."""
        copy = duplicating.duplicate_service(get_object_or_404(Service, pk=object_id))
        self.log_addition(request, copy, f"Duplicated from service {object_id}")
        self.message_user(request, f"This is the copy of service {object_id}. It is off sale.", messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_service_change", args=[copy.pk])})

    def _settle(self, request: HttpRequest, asked: Sequence[Service]) -> None:
        with transaction.atomic():
            still = following.settle([service.pk for service in asked])
        settled = [service for service in asked if service.pk not in still]
        for service in settled:
            self.log_change(request, service, "Quarantine settled")
        if settled or not still:
            self.message_user(request, f"{len(settled)} put back on sale.", messages.SUCCESS)
        self._tell(request, still)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Look at what a service costs once its routes are known."""
        super().save_related(request, form, formsets, change)
        self._tell(request, following.check([form.instance.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Look at what services cost whose rates were changed in the list."""
        before = _typed(request)
        response = super().changelist_view(request, extra_context)
        if before and response.status_code == 302:  # noqa: PLR2004 - saved
            with transaction.atomic():
                self._tell(request, following.check(before))
        return response

    def _tell(self, request: HttpRequest, why: dict[int, str]) -> None:
        may_see = request.user.has_perm("providers.view_route")
        for id_, text in list(why.items())[:QUARANTINES_SHOWN_MAX]:
            said = f": {text}" if may_see else "."
            self.message_user(request, f"Service {id_} is in quarantine, off sale{said}", messages.WARNING)


def _typed(request: HttpRequest) -> Sequence[int]:
    """Return the services whose rows of the list were posted to be saved."""
    if request.method != "POST" or "_save" not in request.POST:
        return []
    ids = [value for name, value in request.POST.items() if name.startswith("form-") and name.endswith("-id")]
    return [int(str(id_)) for id_ in ids if str(id_).isdecimal()]
