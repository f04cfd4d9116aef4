"""The reports of sales: revenue, cost and profit by day, service, category, provider and account."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from tradepost import csv_files
from tradepost.backoffice.reports import charts, columns, parameters, subjects
from tradepost.backoffice.reports.changes import change
from tradepost.backoffice.reports.columns import Column
from tradepost.backoffice.reports.parameters import PRESETS, ROWS_A_PAGE, ReportParameters
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site
from tradepost.reports import queries
from tradepost.reports.measures import SubjectKind
from tradepost.reports.periods import Period
from tradepost.reports.queries import GroupBy, ReportReader, Row, RowOrder

TITLES = {
    GroupBy.DAY: "By day",
    GroupBy.SERVICE: "By service",
    GroupBy.CATEGORY: "By category",
    GroupBy.PROVIDER: "By provider",
    GroupBy.ACCOUNT: "By account",
}
HEADS = {
    GroupBy.DAY: "Day",
    GroupBy.SERVICE: "Service",
    GroupBy.CATEGORY: "Category",
    GroupBy.PROVIDER: "Provider",
    GroupBy.ACCOUNT: "Account",
}
UP, DOWN = "up", "down"


def show(request: HttpRequest, by: str) -> HttpResponse:
    """Show a page of a report, with the totals and what changed against as many days before."""
    by_ = _permitted(request, by)
    wanted = parameters.parse_parameters(request)
    shown = columns.seen_by(request)
    order = _order(by_, wanted, shown)
    with queries.at_one_moment() as read:
        figures = _figures(request, read, by_, wanted.period, order, shown)
    has_more = len(figures["rows"]) > ROWS_A_PAGE
    context = {
        **site.each_context(request),
        **figures,
        "rows": figures["rows"][:ROWS_A_PAGE],
        "title": f"Sales {TITLES[by_].lower()}",
        "tabs": _tabs(request, by_, wanted),
        "presets": _presets(wanted),
        "period": wanted.period,
        "before": wanted.period.before,
        "head": HEADS[by_],
        "columns": [_head(column, wanted, order) for column in shown],
        "subject_sort": _sort(wanted, "subject", order),
        "with_profit": request.user.has_perm(columns.PROFIT),
        "file": f"{reverse('report_file', args=[by_.value])}{wanted.address()}",
        "page": wanted.page,
        "page_before": wanted.address(page=wanted.page - 1) if wanted.page > 1 else "",
        "page_after": wanted.address(page=wanted.page + 1) if has_more else "",
        "is_of_providers": by_ is GroupBy.PROVIDER,
    }
    return TemplateResponse(request, "backoffice/reports/sales.html", context)


def _figures(  # noqa: PLR0917 - told apart by their types
    request: HttpRequest, read: ReportReader, by: GroupBy, period: Period, order: RowOrder, shown: Sequence[Column]
) -> dict[str, Any]:
    """Return all that is read from the totals."""
    of = SubjectKind.PROVIDER if by is GroupBy.PROVIDER else SubjectKind.DESK
    now, before = read.total(period, of=of), read.total(period.before, of=of)
    with_profit = request.user.has_perm(columns.PROFIT)
    return {
        "rows": list(_shown(request, read, by, period, order, shown)),
        "totals": [column.text(now) for column in shown],
        "totals_before": [column.text(before) for column in shown],
        "totals_change": [
            change(column.read(now), column.read(before), more_is_better=column.more_is_better) for column in shown
        ],
        "chart": charts.by_day(read, period, with_profit=with_profit) if by is GroupBy.DAY else None,
        "progress": read.progress,
    }


def download(request: HttpRequest, by: str) -> HttpResponseBase:
    """Answer with all rows of a report as a file."""
    by_ = _permitted(request, by)
    wanted = parameters.parse_parameters(request)
    shown = columns.seen_by(request)
    order = _order(by_, wanted, shown)
    header = ["Id", HEADS[by_], *(column.title for column in shown)]
    name = f"sales-by-{by_.value}-{wanted.period.first}-{wanted.period.last}"
    return csv_files.download(name, header, _lines(by_, wanted.period, order, shown))


def _permitted(request: HttpRequest, by: str) -> GroupBy:
    if by not in TITLES:
        raise Http404
    by_ = GroupBy(by)
    if not request.user.has_perm(columns.SALES) or not request.user.has_perms(subjects.VIEWS[by_]):
        raise PermissionDenied
    return by_


def _order(by: GroupBy, wanted: ReportParameters, shown: Sequence[Column]) -> RowOrder:
    """Return the order asked for, if it is by a column that is seen; else the largest revenue or the newest first."""
    name = wanted.sort.removeprefix("-")
    offset = (wanted.page - 1) * ROWS_A_PAGE
    sortable = {"subject", *(column.name for column in shown)} & queries.COLUMNS.keys()
    if name not in sortable:
        name, descending = ("subject" if by is GroupBy.DAY else "revenue"), True
    else:
        descending = wanted.sort.startswith("-")
    return RowOrder(name, descending=descending, limit=ROWS_A_PAGE + 1, offset=offset)


def _shown(  # noqa: PLR0917 - told apart by their types
    request: HttpRequest, read: ReportReader, by: GroupBy, period: Period, order: RowOrder, shown: Sequence[Column]
) -> Iterator[dict[str, Any]]:
    rows = read.rows(by, period, order)
    called = subjects.names(by, [row.subject for row in rows])
    before = _revenues_before(read, by, rows, period)
    may_see_orders = request.user.has_perm("orders.view_order")
    for row in rows:
        past = before.get(row.subject, Decimal(0))
        yield {
            "name": called.get(row.subject, str(row.subject)),
            "link": subjects.orders_of(by, row.subject, period) if may_see_orders else "",
            "figures": [column.text(row.sums) for column in shown],
            "change": change(row.sums.revenue, past),
            "revenue_before": formatters.grouped(past),
        }


def _revenues_before(read: ReportReader, by: GroupBy, rows: Sequence[Row], period: Period) -> dict[Any, Decimal]:
    """Return what these rows brought in the period before; a day, what the day as far back did."""
    found = read.revenues(by, period.before, [row.subject for row in rows])
    if by is not GroupBy.DAY:
        return found
    distance = period.first - period.before.first
    return {day + distance: revenue for day, revenue in found.items()}


def _lines(by: GroupBy, period: Period, order: RowOrder, shown: Sequence[Column]) -> Iterator[list[Any]]:
    with queries.at_one_moment() as read:
        portions = read.portions(by, period, RowOrder(order.column, descending=order.descending))
    with closing(portions):
        for some in portions:
            called = subjects.names(by, [row.subject for row in some])
            for row in some:
                subject = "" if by is GroupBy.DAY else row.subject
                name = called.get(row.subject, str(row.subject))
                yield [subject, name, *(column.read(row.sums) for column in shown)]


def _tabs(request: HttpRequest, by: GroupBy, wanted: ReportParameters) -> list[dict[str, Any]]:
    return [
        {
            "title": TITLES[each],
            "link": f"{reverse('report', args=[each.value])}{wanted.address(sort='')}",
            "active": each is by,
        }
        for each in TITLES
        if request.user.has_perms(subjects.VIEWS[each])
    ]


def _presets(wanted: ReportParameters) -> list[dict[str, Any]]:
    return [
        {
            "title": preset.title,
            "link": wanted.address(preset=preset.name),
            "active": preset.name == wanted.preset,
        }
        for preset in PRESETS
    ]


def _head(column: Column, wanted: ReportParameters, order: RowOrder) -> dict[str, str]:
    return {"title": column.title, **_sort(wanted, column.name, order)}


def _sort(wanted: ReportParameters, name: str, order: RowOrder) -> dict[str, str]:
    """Return where a click on a column's head leads, and which way rows are ordered by it."""
    if name not in queries.COLUMNS:
        return {"link": "", "way": ""}
    is_this = order.column == name
    way = (DOWN if order.descending else UP) if is_this else ""
    return {"link": wanted.address(sort=name if is_this and order.descending else f"-{name}"), "way": way}
