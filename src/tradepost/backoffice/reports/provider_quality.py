"""Reports on the quality of providers, and of each provider's services."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost import csv_files, formats
from tradepost.backoffice.ui import dates
from tradepost.backoffice.ui.site import site
from tradepost.providers.models import Provider, ProviderService
from tradepost.reports import quality, queries
from tradepost.reports.periods import DAY, Period
from tradepost.reports.quality import HIGH, MEDIAN, Quality
from tradepost.reports.queries import Progress

PERMISSION = "reports.view_provider_quality"
DAYS = (7, 30, 90)
DAYS_DEFAULT = 30
OFFERS_SHOWN = 100  # the most ordered ones; the CSV file has all

type Value = int | float | timedelta | None


class QualityColumn(msgspec.Struct, frozen=True):
    """A figure: its title, what exactly it means, and how to compute it."""

    title: str
    means: str
    value_of: Callable[[Quality], Value]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


COLUMNS = (
    QualityColumn("Sent", "Orders that it took", lambda q: q.sums.orders),
    QualityColumn("Start, half", "Half of the orders began within", lambda q: q.start(MEDIAN)),
    QualityColumn("Start, 90 %", "Nine of ten orders began within", lambda q: q.start(HIGH)),
    QualityColumn("Done, half", "Half of the completed orders were within", lambda q: q.completion(MEDIAN)),
    QualityColumn("Done, 90 %", "Nine of ten completed orders were within", lambda q: q.completion(HIGH)),
    QualityColumn("Completed", "Of the orders that ended", lambda q: _share(q.sums.completed, q.ended)),
    QualityColumn("Partial", "Of the orders that ended", lambda q: _share(q.sums.partial, q.ended)),
    QualityColumn("Canceled", "Of the orders that ended", lambda q: _share(q.sums.canceled, q.ended)),
    QualityColumn("Refills", "For each completed order", lambda q: _share(q.sums.refills, q.sums.completed)),
    QualityColumn("Refused", "Of the attempts, put off for later included", lambda q: _share(q.sums.refused, q.tries)),
    QualityColumn("Unsure", "Of the attempts", lambda q: _share(q.sums.unsure, q.tries)),
)


def provider_quality_report(request: HttpRequest) -> HttpResponse:
    """Show how all providers have done."""
    _check_permission(request)
    period = _period(request)
    with queries.at_one_moment() as reader:
        rows, progress = quality.quality_of_providers(reader, period), reader.progress
    names = Provider.objects.in_bulk([row.subject for row in rows])
    table = (
        {
            "name": str(names.get(row.subject, row.subject)),
            "link": f"{reverse('provider_quality', args=[row.subject])}?days={period.days}",
            "figures": [_format_value(column.value_of(row)) for column in COLUMNS],
        }
        for row in rows
    )
    return _render_report(
        request, "Provider quality", period, table, progress, head="Provider", file=reverse("quality_file")
    )


def provider_report(request: HttpRequest, provider: int) -> HttpResponse:
    """Show how the services of one provider have done, the most ordered first."""
    _check_permission(request)
    provider_row = get_object_or_404(Provider, pk=provider)
    period = _period(request)
    with queries.at_one_moment() as reader:
        rows, progress = quality.quality_of_offers(reader, provider, period, limit=OFFERS_SHOWN), reader.progress
    names = ProviderService.objects.in_bulk([row.subject for row in rows])
    table = (
        {
            "name": _service_name(names.get(row.subject), row.subject),
            "link": "",
            "figures": [_format_value(column.value_of(row)) for column in COLUMNS],
        }
        for row in rows
    )
    file = reverse("provider_quality_file", args=[provider])
    title = f"Quality of {provider_row}"
    return _render_report(
        request, title, period, table, progress, head="Its service", file=file, is_cut=len(rows) == OFFERS_SHOWN
    )


def quality_file(request: HttpRequest, provider: int | None = None) -> HttpResponseBase:
    """Respond with a CSV file of all providers, or of all services of one. Durations are in seconds."""
    _check_permission(request)
    period = _period(request)
    header = ["Id", "Name", *(column.title for column in COLUMNS)]
    name = f"quality-{period.first}-{period.last}"
    return csv_files.download(name, header, _csv_rows(provider, period))


def _csv_rows(provider: int | None, period: Period) -> Iterator[Sequence[csv_files.Cell]]:
    if provider is None:
        yield from _provider_csv_rows(period)
        return
    with queries.at_one_moment() as reader:
        portions = quality.quality_of_all_offers(reader, provider, period)
    with closing(portions):
        for portion in portions:
            offers = ProviderService.objects.in_bulk([row.subject for row in portion])
            yield from (_csv_row(_service_name(offers.get(row.subject), row.subject), row) for row in portion)


def _provider_csv_rows(period: Period) -> Iterator[Sequence[csv_files.Cell]]:
    with queries.at_one_moment() as reader:
        rows = quality.quality_of_providers(reader, period)
    names = Provider.objects.in_bulk([row.subject for row in rows])
    yield from (_csv_row(str(names.get(row.subject, row.subject)), row) for row in rows)


def _csv_row(name: str, row: Quality) -> Sequence[csv_files.Cell]:
    return [row.subject, name, *(_csv_cell(column.value_of(row)) for column in COLUMNS)]


def _check_permission(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _period(request: HttpRequest) -> Period:
    text = request.GET.get("days", "")
    days = next((days for days in DAYS if str(days) == text), DAYS_DEFAULT)
    today = dates.start_of_today().date()
    return Period(today - (days - 1) * DAY, today)


def _render_report(
    request: HttpRequest,
    title: str,
    period: Period,
    rows: Iterator[dict[str, Any]],
    progress: Progress,
    *,
    head: str,
    file: str,
    is_cut: bool = False,
) -> HttpResponse:
    context = {
        **site.each_context(request),
        "title": title,
        "presets": [{"title": f"{days} days", "link": f"?days={days}", "active": days == period.days} for days in DAYS],
        "columns": COLUMNS,
        "head": head,
        "rows": list(rows),
        "file": f"{file}?days={period.days}",
        "is_cut": is_cut,
        "progress": progress,
    }
    return TemplateResponse(request, "backoffice/reports/provider_quality.html", context)


def _service_name(offer: ProviderService | None, id_: int) -> str:
    return f"{offer.upstream_id} · {offer.name}" if offer else str(id_)


def _format_value(value: Value) -> str:
    if value is None:
        return formats.NOTHING
    if isinstance(value, timedelta):
        return formats.duration(value)
    return formats.column_percent(Decimal(value)) if isinstance(value, float) else formats.whole(value)


def _csv_cell(value: Value) -> csv_files.Cell:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    return f"{value:.4f}" if isinstance(value, float) else value
