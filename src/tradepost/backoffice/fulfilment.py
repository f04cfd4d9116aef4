"""The fulfilment page: how each provider does, what waits for it, and whether workers are running."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost import formats
from tradepost.backoffice import alerts
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site
from tradepost.engine.statuses import Dispatch
from tradepost.orders import backlog
from tradepost.orders.backlog import COUNTED_MAX, ProviderBacklog


def fulfilment_status(request: HttpRequest) -> HttpResponse:
    """Show the page to users who may view providers."""
    if not request.user.has_perm("providers.view_provider"):
        raise PermissionDenied
    workers = backlog.worker_status()
    context = {
        **site.each_context(request),
        "title": "Fulfilment",
        "alerts": alerts.alerts_for(request),
        "workers": workers,
        "heard": _seconds_ago(workers.heard_seconds),
        "providers": [_row(standing) for standing in backlog.provider_backlogs()],
    }
    return TemplateResponse(request, "backoffice/fulfilment.html", context)


def _row(standing: ProviderBacklog) -> dict[str, Any]:
    requests = standing.requests
    return {
        "name": standing.name,
        "link": reverse("admin:providers_provider_change", args=[standing.id]),
        "state": _state(standing),
        "last_error": standing.last_error,
        "queued": _count(standing.queued),
        "oldest": _seconds_ago(standing.oldest_seconds),
        "sending": _count(standing.sending),
        "sent": _count(standing.sent),
        "unsure": _count(standing.unsure),
        "unsure_link": alerts.unsettled_orders_url(Dispatch.UNSURE) if standing.unsure else "",
        "refused": _count(standing.refused),
        "refused_link": alerts.unsettled_orders_url(Dispatch.REFUSED) if standing.refused else "",
        "failed": formats.column_percent(Decimal(standing.failures) / requests) if requests else formats.NOTHING,
        "latency": formats.milliseconds(standing.request_milliseconds / requests) if requests else formats.NOTHING,
        "balance": formats.money_html(standing.balance, standing.currency),
        "synced": _seconds_ago(standing.synced_seconds),
    }


def _state(standing: ProviderBacklog) -> str:
    if standing.is_paused:
        return formatters.badge("paused", "warning")
    return formatters.badge("trouble", "danger") if standing.last_error else formatters.badge("good", "success")


def _count(number: int) -> str:
    return f"{formats.whole(number)}{'+' if number == COUNTED_MAX else ''}"


def _seconds_ago(seconds: float | None) -> str:
    return formats.NOTHING if seconds is None else formats.duration(timedelta(seconds=seconds))
