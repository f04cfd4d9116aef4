"""The customer's statement: every transfer with the balance after it. Also the page on how to add funds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from heapq import merge
from typing import NamedTuple

from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tradepost.engine import money
from tradepost.engine.ledger import TransferKind
from tradepost.engine.order_types import wire_id
from tradepost.id_ranges import filter_between
from tradepost.ledger import transfers_by_side
from tradepost.ledger.models import LedgerAccount, Transfer
from tradepost.panel.requests import customer
from tradepost.panel.views.orders import EXPORT_CHUNK, csv_of, day_of
from tradepost.site_settings import effective as site_settings

PAGE_ROWS = 50
PRINTED_ROWS_MAX = 2_000
HEADINGS: tuple[object, ...] = ("transfer", "at", "kind", "order", "amount", "balance", "note")


class StatementEntry(NamedTuple):
    """A transfer as the customer sees it: `amount` is positive for money in and negative for money out."""

    transfer: Transfer
    amount: Decimal


class KindTotal(NamedTuple):
    """All transfers of one kind in a period: positive for money in and negative for money out."""

    kind: str
    total: Decimal


class PeriodSummary(NamedTuple):
    """The balance before a period and after it, and what moved between."""

    opening: Decimal
    closing: Decimal
    totals: list[KindTotal]


@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    """Show a page of the transfers that match the filters, newest first; for printing (`print`), all on one page.

    If a period is chosen, show its opening and closing balance and its totals too.
    """
    account = LedgerAccount.objects.get(account=customer(request))
    is_printed = bool(request.GET.get("print"))
    limit = PRINTED_ROWS_MAX if is_printed else PAGE_ROWS
    before = wire_id(request.GET.get("before", ""))
    transfers = _filtered(request, Transfer.objects.all())
    if before:
        transfers = transfers.filter(pk__lt=before)
    rows = _newest(account, transfers, limit + 1, request.GET.get("kind", ""))
    is_period = any(day_of(request, name) for name in ("from", "to"))
    context = {
        "entries": [_entry(transfer, account) for transfer in rows[:limit]],
        "older": rows[limit - 1].pk if len(rows) > limit else None,
        "is_first": before is None,
        "is_printed": is_printed,
        "kinds": list(TransferKind),
        "account": account,
        "since": day_of(request, "from"),
        "until": day_of(request, "to"),
        "today": timezone.localdate(),
        # If no period is chosen, this month is printed.
        "printed_from": request.GET.get("from") if is_period else timezone.localdate().replace(day=1).isoformat(),
        "summary": _summary(request, account) if is_period else None,
        "is_filtered": any(request.GET.get(name) for name in ("kind", "from", "to")),
    }
    return render(request, "panel/money.html", context)


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Send all transfers that match the filters as CSV."""
    account = LedgerAccount.objects.get(account=customer(request))
    transfers = _filtered(request, Transfer.objects.filter(Q(debit=account) | Q(credit=account))).order_by("-id")
    return csv_of("statement", HEADINGS, _rows(account, transfers))


@require_safe
def add_funds(request: HttpRequest) -> HttpResponse:
    """Show the operator's text on how to pay."""
    return render(request, "panel/add_funds.html", {"payment_text": site_settings.for_request(request).payment_text})


def _rows(account: LedgerAccount, transfers: QuerySet[Transfer]) -> Iterator[tuple[object, ...]]:
    for transfer in transfers.iterator(EXPORT_CHUNK):
        at = timezone.localtime(transfer.at).isoformat(timespec="seconds")
        purpose = (transfer.kind, transfer.order_id or "")
        amounts = (_entry(transfer, account).amount, transfer.balance_after)
        yield (transfer.pk, at, *purpose, *(Decimal(money.show(amount)) for amount in amounts), transfer.note)


def _newest(account: LedgerAccount, transfers: QuerySet[Transfer], limit: int, kind: str = "") -> list[Transfer]:
    sides = transfers_by_side.of_account(transfers, account.pk, kind)
    newest = (side.order_by("-id")[:limit] for side in sides)
    return list(merge(*newest, key=lambda transfer: -transfer.pk))[:limit]


def _summary(request: HttpRequest, account: LedgerAccount) -> PeriodSummary:
    """Add up the chosen period, of all kinds."""
    since, end = _period(request)
    earlier = _newest(account, filter_between(Transfer.objects.all(), "at", None, since), 1) if since else []
    opening = (earlier[0].balance_after if earlier else None) or Decimal(0)
    money_out, money_in = transfers_by_side.of_account(
        filter_between(Transfer.objects.all(), "at", since, end), account.pk
    )
    totals = [
        KindTotal(row["kind"], sign * row["total"])
        for sign, side in ((1, money_in), (-1, money_out))
        for row in side.order_by().values("kind").annotate(total=Sum("amount")).order_by("kind")
    ]
    return PeriodSummary(opening, opening + sum((each.total for each in totals), Decimal(0)), totals)


def _filtered(request: HttpRequest, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
    if (kind := request.GET.get("kind", "")) in TransferKind.values():
        transfers = transfers.filter(kind=kind)
    return filter_between(transfers, "at", *_period(request))


def _period(request: HttpRequest) -> tuple[datetime | None, datetime | None]:
    """Return when the chosen period begins, and when it is over."""
    since, until = day_of(request, "from"), day_of(request, "to")
    return since, until + timedelta(days=1) if until else None


def _entry(transfer: Transfer, account: LedgerAccount) -> StatementEntry:
    return StatementEntry(transfer, transfer.amount if transfer.credit_id == account.pk else -transfer.amount)
