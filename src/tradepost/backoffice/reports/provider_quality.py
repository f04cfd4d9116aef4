"""How good providers are, and what each of them sells."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import msgspec
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost import csv_files
from tradepost.backoffice.ui import dates, formatters
from tradepost.backoffice.ui.site import site
from tradepost.providers.models import Provider, ProviderService
from tradepost.reports import quality, queries
from tradepost.reports.periods import DAY, Period
from tradepost.reports.quality import HIGH, MEDIAN, Quality
from tradepost.reports.queries import Progress

PERMISSION = "reports.view_provider_quality"
DAYS = (7, 30, 90)
USUAL_DAYS = 30
OFFERS_SHOWN = 100  # those that most was ordered of; the file has them all

type Value = int | float | timedelta | None


class Column(msgspec.Struct, frozen=True):
    """A figure: its title, what it says exactly, and how it is read."""

    title: str
    means: str
    read: Callable[[Quality], Value]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


COLUMNS = (
    Column("Sent", "Orders that it took", lambda q: q.sums.orders),
    Column("Start, half", "Half of the orders began within", lambda q: q.start(MEDIAN)),
    Column("Start, 90 %", "Nine of ten orders began within", lambda q: q.start(HIGH)),
    Column("Done, half", "Half of the completed orders were within", lambda q: q.completion(MEDIAN)),
    Column("Done, 90 %", "Nine of ten completed orders were within", lambda q: q.completion(HIGH)),
    Column("Completed", "Of the orders that ended", lambda q: _share(q.sums.completed, q.ended)),
    Column("Partial", "Of the orders that ended", lambda q: _share(q.sums.partial, q.ended)),
    Column("Canceled", "Of the orders that ended", lambda q: _share(q.sums.canceled, q.ended)),
    Column("Refills", "For each completed order", lambda q: _share(q.sums.refills, q.sums.completed)),
    Column("Refused", "Of the attempts, put off for later included", lambda q: _share(q.sums.refused, q.tries)),
    Column("Unsure", "Of the attempts", lambda q: _share(q.sums.unsure, q.tries)),
)


def show(request: HttpRequest) -> HttpResponse:
    """Show how all providers have done."""
    _permit(request)
    period = _period(request)
    with queries.at_one_moment() as read:
        found, progress = quality.quality_of_providers(read, period), read.progress
    names = Provider.objects.in_bulk([each.subject for each in found])
    rows = (
        {
            "name": str(names.get(each.subject, each.subject)),
            "link": f"{reverse('provider_quality', args=[each.subject])}?days={period.days}",
            "figures": [_written(column.read(each)) for column in COLUMNS],
        }
        for each in found
    )
    return _page(request, "Provider quality", period, rows, progress, head="Provider", file=reverse("quality_file"))


def show_one(request: HttpRequest, provider: int) -> HttpResponse:
    """Show how what a provider sells has done."""
    _permit(request)
    seller = get_object_or_404(Provider, pk=provider)
    period = _period(request)
    with queries.at_one_moment() as read:
        found, progress = quality.quality_of_offers(read, provider, period, limit=OFFERS_SHOWN), read.progress
    names = ProviderService.objects.in_bulk([each.subject for each in found])
    rows = (
        {
            "name": _name(names.get(each.subject), each.subject),
            "link": "",
            "figures": [_written(column.read(each)) for column in COLUMNS],
        }
        for each in found
    )
    file = reverse("provider_quality_file", args=[provider])
    title = f"Quality of {seller}"
    return _page(
        request, title, period, rows, progress, head="Its service", file=file, is_cut=len(found) == OFFERS_SHOWN
    )


def download(request: HttpRequest, provider: int | None = None) -> HttpResponseBase:
    """Answer with a file: of all providers, or of all that one of them sells. Times are in seconds."""
    _permit(request)
    period = _period(request)
    header = ["Id", "Name", *(column.title for column in COLUMNS)]
    name = f"quality-{period.first}-{period.last}"
    return csv_files.download(name, header, _lines(provider, period))


def _lines(provider: int | None, period: Period) -> Iterator[Sequence[csv_files.Cell]]:
    if provider is None:
        yield from _lines_of_providers(period)
        return
    with queries.at_one_moment() as read:
        portions = quality.quality_of_all_offers(read, provider, period)
    with closing(portions):
        for some in portions:
            offers = ProviderService.objects.in_bulk([each.subject for each in some])
            yield from (_line(_name(offers.get(each.subject), each.subject), each) for each in some)


def _lines_of_providers(period: Period) -> Iterator[Sequence[csv_files.Cell]]:
    with queries.at_one_moment() as read:
        found = quality.quality_of_providers(read, period)
    names = Provider.objects.in_bulk([each.subject for each in found])
    yield from (_line(str(names.get(each.subject, each.subject)), each) for each in found)


def _line(name: str, quality_: Quality) -> Sequence[csv_files.Cell]:
    return [quality_.subject, name, *(_plain(column.read(quality_)) for column in COLUMNS)]


def _permit(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _period(request: HttpRequest) -> Period:
    asked = request.GET.get("days", "")
    days = next((days for days in DAYS if str(days) == asked), USUAL_DAYS)
    today = dates.today().date()
    return Period(today - (days - 1) * DAY, today)


def _page(
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


def _name(offer: ProviderService | None, id_: int) -> str:
    return f"{offer.upstream_id} · {offer.name}" if offer else str(id_)


def _written(value: Value) -> str:
    if value is None:
        return formatters.NOTHING
    if isinstance(value, timedelta):
        return lasting(value)
    return f"{value:.1%}" if isinstance(value, float) else f"{value:,}"


def lasting(time: timedelta) -> str:
    """Write how long something takes, in the two largest units."""
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((number for number, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count) or "0 s"


def _plain(value: Value) -> csv_files.Cell:
    if isinstance(value, timedelta):
        return round(value.total_seconds())
    return f"{value:.4f}" if isinstance(value, float) else value
