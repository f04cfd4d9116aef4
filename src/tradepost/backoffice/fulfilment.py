"""The fulfilment page: how each provider does, what waits for it, and whether workers are running."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost.backoffice import alerts
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site
from tradepost.engine.statuses import Dispatch
from tradepost.orders import backlog
from tradepost.orders.backlog import COUNTED_MAX, Standing


def fulfilment_status(request: HttpRequest) -> HttpResponse:
    """Show the page to users who may view providers."""
    if not request.user.has_perm("providers.view_provider"):
        raise PermissionDenied
    workers = backlog.workers()
    context = {
        **site.each_context(request),
        "title": "Fulfilment",
        "alerts": alerts.alerts_for(request),
        "workers": workers,
        "heard": _seconds_ago(workers.heard_seconds),
        "providers": [_row(standing) for standing in backlog.standings()],
    }
    return TemplateResponse(request, "backoffice/fulfilment.html", context)


def _row(standing: Standing) -> dict[str, Any]:
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
        "failed": f"{standing.failures / requests:.1%}" if requests else formatters.NOTHING,
        "latency": f"{standing.request_milliseconds / requests:,.0f} ms" if requests else formatters.NOTHING,
        "balance": f"{formatters.grouped_amount(standing.balance)} {standing.currency}"
        if standing.balance is not None
        else "",
        "synced": _seconds_ago(standing.synced_seconds),
    }


def _state(standing: Standing) -> str:
    if standing.is_paused:
        return formatters.badge("paused", "warning")
    return formatters.badge("trouble", "danger") if standing.last_error else formatters.badge("good", "success")


def _count(number: int) -> str:
    return f"{number:,}{'+' if number == COUNTED_MAX else ''}"


def _seconds_ago(seconds: float | None) -> str:
    return formatters.NOTHING if seconds is None else str(timedelta(seconds=max(round(seconds), 0)))
