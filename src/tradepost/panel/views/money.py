"""The customer's statement: every transfer with the balance after it. Also the page on how to add funds."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from heapq import merge
from typing import NamedTuple

from django.db.models import Q, QuerySet
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
HEADINGS: tuple[object, ...] = ("transfer", "at", "kind", "order", "amount", "balance", "note")


class StatementEntry(NamedTuple):
    """A transfer as the customer sees it: `amount` is positive for money in and negative for money out."""

    transfer: Transfer
    amount: Decimal


@require_safe
def statement(request: HttpRequest) -> HttpResponse:
    """Show a page of the transfers that match the filters, newest first."""
    account = LedgerAccount.objects.get(account=customer(request))
    before = wire_id(request.GET.get("before", ""))
    transfers = _filtered(request, Transfer.objects.all())
    if before:
        transfers = transfers.filter(pk__lt=before)
    sides = transfers_by_side.of_accounts(transfers, [account.pk], request.GET.get("kind", ""))
    newest = (side.order_by("-id")[: PAGE_ROWS + 1] for side in sides)
    rows = list(merge(*newest, key=lambda transfer: -transfer.pk))[: PAGE_ROWS + 1]
    context = {
        "entries": [_entry(transfer, account) for transfer in rows[:PAGE_ROWS]],
        "older": rows[PAGE_ROWS - 1].pk if len(rows) > PAGE_ROWS else None,
        "is_first": before is None,
        "kinds": list(TransferKind),
        "account": account,
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


def _filtered(request: HttpRequest, transfers: QuerySet[Transfer]) -> QuerySet[Transfer]:
    if (kind := request.GET.get("kind", "")) in TransferKind.values():
        transfers = transfers.filter(kind=kind)
    since, until = day_of(request, "from"), day_of(request, "to")
    return filter_between(transfers, "at", since, until + timedelta(days=1) if until else None)


def _entry(transfer: Transfer, account: LedgerAccount) -> StatementEntry:
    return StatementEntry(transfer, transfer.amount if transfer.credit_id == account.pk else -transfer.amount)
