"""Sales reports: revenue, cost and profit by day, service, category, provider or account."""

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
from tradepost.backoffice.reports import charts, columns, subjects
from tradepost.backoffice.reports.changes import relative_change
from tradepost.backoffice.reports.columns import SalesColumn
from tradepost.backoffice.reports.parameters import PRESETS, ROWS_A_PAGE, ReportParameters, parse_parameters
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


def sales_report(request: HttpRequest, by: str) -> HttpResponse:
    """Show a page of a report, with totals and the change from the period of equal length before."""
    grouping = _checked_grouping(request, by)
    parameters = parse_parameters(request)
    visible = columns.visible_columns(request)
    order = _order(grouping, parameters, visible)
    with queries.at_one_moment() as reader:
        figures = _figures(request, reader, grouping, parameters.period, order, visible)
    has_more = len(figures["rows"]) > ROWS_A_PAGE
    context = {
        **site.each_context(request),
        **figures,
        "rows": figures["rows"][:ROWS_A_PAGE],
        "title": f"Sales {TITLES[grouping].lower()}",
        "tabs": _tabs(request, grouping, parameters),
        "presets": _presets(parameters),
        "period": parameters.period,
        "before": parameters.period.before,
        "head": HEADS[grouping],
        "columns": [_column_head(column, parameters, order) for column in visible],
        "subject_sort": _sort(parameters, "subject", order),
        "with_profit": request.user.has_perm(columns.PROFIT),
        "file": f"{reverse('report_file', args=[grouping.value])}{parameters.address()}",
        "page": parameters.page,
        "page_before": parameters.address(page=parameters.page - 1) if parameters.page > 1 else "",
        "page_after": parameters.address(page=parameters.page + 1) if has_more else "",
        "is_of_providers": grouping is GroupBy.PROVIDER,
    }
    return TemplateResponse(request, "backoffice/reports/sales.html", context)


def _figures(  # noqa: PLR0917 - the parameters differ in type
    request: HttpRequest,
    reader: ReportReader,
    by: GroupBy,
    period: Period,
    order: RowOrder,
    visible: Sequence[SalesColumn],
) -> dict[str, Any]:
    """Return everything that the page shows from the totals."""
    kind = SubjectKind.PROVIDER if by is GroupBy.PROVIDER else SubjectKind.DESK
    now, before = reader.total(period, of=kind), reader.total(period.before, of=kind)
    with_profit = request.user.has_perm(columns.PROFIT)
    return {
        "rows": list(_table_rows(request, reader, by, period, order, visible)),
        "totals": [column.text(now) for column in visible],
        "totals_before": [column.text(before) for column in visible],
        "totals_change": [
            relative_change(column.value_of(now), column.value_of(before), more_is_better=column.more_is_better)
            for column in visible
        ],
        "chart": charts.period_sales_chart(reader, period, with_profit=with_profit) if by is GroupBy.DAY else None,
        "progress": reader.progress,
    }


def sales_file(request: HttpRequest, by: str) -> HttpResponseBase:
    """Respond with a CSV file of all rows of a report."""
    grouping = _checked_grouping(request, by)
    parameters = parse_parameters(request)
    visible = columns.visible_columns(request)
    order = _order(grouping, parameters, visible)
    header = ["Id", HEADS[grouping], *(column.title for column in visible)]
    name = f"sales-by-{grouping.value}-{parameters.period.first}-{parameters.period.last}"
    return csv_files.download(name, header, _csv_rows(grouping, parameters.period, order, visible))


def _checked_grouping(request: HttpRequest, by: str) -> GroupBy:
    if by not in TITLES:
        raise Http404
    grouping = GroupBy(by)
    if not request.user.has_perm(columns.SALES) or not request.user.has_perms(subjects.PERMISSIONS[grouping]):
        raise PermissionDenied
    return grouping


def _order(by: GroupBy, parameters: ReportParameters, visible: Sequence[SalesColumn]) -> RowOrder:
    """Return the requested sort order if the user sees its column; else the largest revenue or the newest day first."""
    name = parameters.sort.removeprefix("-")
    offset = (parameters.page - 1) * ROWS_A_PAGE
    sortable = {"subject", *(column.name for column in visible)} & queries.COLUMNS.keys()
    if name not in sortable:
        name, descending = ("subject" if by is GroupBy.DAY else "revenue"), True
    else:
        descending = parameters.sort.startswith("-")
    return RowOrder(name, descending=descending, limit=ROWS_A_PAGE + 1, offset=offset)


def _table_rows(  # noqa: PLR0917 - the parameters differ in type
    request: HttpRequest,
    reader: ReportReader,
    by: GroupBy,
    period: Period,
    order: RowOrder,
    visible: Sequence[SalesColumn],
) -> Iterator[dict[str, Any]]:
    rows = reader.rows(by, period, order)
    names = subjects.subject_names(by, [row.subject for row in rows])
    before = _revenues_before(reader, by, rows, period)
    may_see_orders = request.user.has_perm("orders.view_order")
    for row in rows:
        revenue_before = before.get(row.subject, Decimal(0))
        yield {
            "name": names.get(row.subject, str(row.subject)),
            "link": subjects.orders_url(by, row.subject, period) if may_see_orders else "",
            "figures": [column.text(row.sums) for column in visible],
            "change": relative_change(row.sums.revenue, revenue_before),
            "revenue_before": formatters.money_text(revenue_before),
        }


def _revenues_before(reader: ReportReader, by: GroupBy, rows: Sequence[Row], period: Period) -> dict[Any, Decimal]:
    """Return the rows' revenue in the period before. A day is compared with the same place in that period."""
    revenues = reader.revenues(by, period.before, [row.subject for row in rows])
    if by is not GroupBy.DAY:
        return revenues
    distance = period.first - period.before.first
    return {day + distance: revenue for day, revenue in revenues.items()}


def _csv_rows(by: GroupBy, period: Period, order: RowOrder, visible: Sequence[SalesColumn]) -> Iterator[list[Any]]:
    with queries.at_one_moment() as reader:
        portions = reader.portions(by, period, RowOrder(order.column, descending=order.descending))
    with closing(portions):
        for portion in portions:
            names = subjects.subject_names(by, [row.subject for row in portion])
            for row in portion:
                subject = "" if by is GroupBy.DAY else row.subject
                name = str(row.subject) if by is GroupBy.DAY else names.get(row.subject, str(row.subject))
                yield [subject, name, *(column.value_of(row.sums) for column in visible)]


def _tabs(request: HttpRequest, by: GroupBy, parameters: ReportParameters) -> list[dict[str, Any]]:
    return [
        {
            "title": TITLES[grouping],
            "link": f"{reverse('report', args=[grouping.value])}{parameters.address(sort='')}",
            "active": grouping is by,
        }
        for grouping in TITLES
        if request.user.has_perms(subjects.PERMISSIONS[grouping])
    ]


def _presets(parameters: ReportParameters) -> list[dict[str, Any]]:
    return [
        {
            "title": preset.title,
            "link": parameters.address(preset=preset.name),
            "active": preset.name == parameters.preset,
        }
        for preset in PRESETS
    ]


def _column_head(column: SalesColumn, parameters: ReportParameters, order: RowOrder) -> dict[str, str]:
    return {"title": column.title, **_sort(parameters, column.name, order)}


def _sort(parameters: ReportParameters, name: str, order: RowOrder) -> dict[str, str]:
    """Return the link of a column's head, and the direction in which rows are sorted by it now."""
    if name not in queries.COLUMNS:
        return {"link": "", "way": ""}
    is_sorted = order.column == name
    direction = (DOWN if order.descending else UP) if is_sorted else ""
    return {"link": parameters.address(sort=name if is_sorted and order.descending else f"-{name}"), "way": direction}
