"""Services in quarantine, off sale by themselves: found in the list, and put back on sale by a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

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
    """What was taken off sale by itself, or all else."""

    title = "quarantine"
    parameter_name = "quarantine"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        return [("in", "In quarantine"), ("out", "Not")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        if not self.value():
            return queryset
        return queryset.exclude(quarantine="") if self.value() == "in" else queryset.filter(quarantine="")


class QuarantineMixin(Base):
    """Put before the `ModelAdmin` of services: what would be sold below cost is taken off sale at once."""

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
    def settle_quarantine(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Put it back on sale, unless it is still not to be sold."""
        service = get_object_or_404(Service, pk=object_id)
        self._settle(request, [service])
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_service_change", args=[service.pk])})

    def _settle(self, request: HttpRequest, asked: Sequence[Service]) -> None:
        with transaction.atomic():
            still = service_sync.settle_quarantine([service.pk for service in asked])
        settled = [service for service in asked if service.pk not in still]
        for service in settled:
            self.log_change(request, service, "Quarantine settled")
        if settled or not still:
            self.message_user(request, f"{len(settled)} put back on sale.", messages.SUCCESS)
        self._tell(request, still)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Look at what a service costs once its routes are known."""
        super().save_related(request, form, formsets, change)
        self._tell(request, service_sync.check_costs([form.instance.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Look at what services cost whose rates were changed in the list."""
        before = _typed(request)
        response = super().changelist_view(request, extra_context)
        if before and response.status_code == 302:  # noqa: PLR2004 - saved
            with transaction.atomic():
                self._tell(request, service_sync.check_costs(before))
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
