"""Services in quarantine: taken off sale automatically, found by a filter, and put back on sale by staff."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from tradepost import formats
from tradepost.backoffice.ui.unfold_admin import DialogForm, RadioFilter, dialog_button
from tradepost.catalog.models import Service
from tradepost.providers import service_sync

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Service]
else:
    Base = object

QUARANTINES_SHOWN_MAX = 10


class QuarantineFilter(RadioFilter):
    title = "quarantine"
    parameter_name = "quarantine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("in", "In quarantine"), ("out", "Not")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return queryset.exclude(quarantine="") if self.value() == "in" else queryset.filter(quarantine="")


class QuarantineMixin(Base):
    """Adds the quarantine to the page of services: staff settle it, and every change of rates or routes checks it."""

    def has_settle_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change services. On a service's page, it must be in quarantine."""
        if object_id and not Service.objects.filter(pk=int(object_id)).exclude(quarantine="").exists():
            return False
        return request.user.has_perm("catalog.change_service")

    @admin.action(description="Settle quarantine", permissions=["settle"])
    def settle_ticked(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Put the ticked services back on sale at their current rates, unless a reason for the quarantine remains."""
        self._settle(request, list(queryset.exclude(quarantine="")))

    @dialog_button(
        "Settle quarantine",
        permission="settle",
        title="Put this service back on sale?",
        text="It takes over what it follows of its provider's, however much that has risen. It is not sold below cost.",
    )
    def settle_quarantine(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Put the service back on sale, unless a reason for its quarantine remains."""
        service = get_object_or_404(Service, pk=object_id)
        self._settle(request, [service])
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_service_change", args=[service.pk])})

    def _settle(self, request: HttpRequest, services: Sequence[Service]) -> None:
        with transaction.atomic():
            still_quarantined = service_sync.settle_quarantine([service.pk for service in services])
        settled = [service for service in services if service.pk not in still_quarantined]
        for service in settled:
            self.log_change(request, service, "Quarantine settled")
        if settled or not still_quarantined:
            self.message_user(request, f"{formats.whole(len(settled))} put back on sale.", messages.SUCCESS)
        self._warn_of_quarantine(request, still_quarantined)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Check the service's cost once its routes are saved."""
        super().save_related(request, form, formsets, change)
        self._warn_of_quarantine(request, service_sync.check_costs([form.instance.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Check the costs of the services whose rates were edited in the list."""
        before = _saved_services(request)
        response = super().changelist_view(request, extra_context)
        if before and response.status_code == 302:  # noqa: PLR2004 - the list was saved
            with transaction.atomic():
                self._warn_of_quarantine(request, service_sync.check_costs(before))
        return response

    def _warn_of_quarantine(self, request: HttpRequest, reasons: dict[int, str]) -> None:
        may_see = request.user.has_perm("providers.view_route")
        for id_, text in list(reasons.items())[:QUARANTINES_SHOWN_MAX]:
            reason = f": {text}" if may_see else "."
            self.message_user(request, f"Service {id_} is in quarantine, off sale{reason}", messages.WARNING)


def _saved_services(request: HttpRequest) -> Sequence[int]:
    """Return the ids of the services whose rows of the list were posted to be saved."""
    if request.method != "POST" or "_save" not in request.POST:
        return []
    ids = [value for name, value in request.POST.items() if name.startswith("form-") and name.endswith("-id")]
    return [int(str(id_)) for id_ in ids if str(id_).isdecimal()]
