"""How an account stands: what its page shows above the form, each part for those who may see its list."""

from collections.abc import Sequence
from typing import Any

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from tradepost.accounts import access
from tradepost.accounts.models import Account, AccountEvent, EventKind, Note
from tradepost.backoffice.accounts import spending
from tradepost.backoffice.ui import formatters
from tradepost.catalog.models import CustomRate
from tradepost.engine.ledger import TransferKind
from tradepost.engine.money import ZERO
from tradepost.ledger.models import ManualPayment, Transfer
from tradepost.orders.models import Order
from tradepost.site_settings import effective as site_settings

ROWS = 6
FIGURES = {"Charge", "Amount", "Balance after"}  # columns set flush right
STATE_COLOURS = {"requested": "warning", "done": "success", "rejected": "danger"}

type Context = dict[str, Any]


def overview(request: HttpRequest, account: Account) -> Context:
    """Return what the template shows of an account."""
    notes = list(Note.objects.filter(account=account).select_related("author")[:ROWS])
    events = list(AccountEvent.objects.filter(account=account)[:ROWS])
    return {
        "account": account,
        "pinned": next((note for note in notes if note.is_pinned), None),
        "notes": notes,
        "events": [{"event": event, "at": formatters.timestamp(event.at)} for event in events],
        "suspension": None if account.is_active else _suspension(account),
        "figures": _figures(request, account),
        "sections": [section for section in _sections(request, account) if section],
        "is_confirmed": access.is_confirmed(account),
        "has_second_factor": access.has_second_factor(account),
        "sessions": _sessions(account),
    }


def _suspension(account: Account) -> AccountEvent | None:
    return AccountEvent.objects.filter(account=account, kind=EventKind.SUSPENDED.value).first()


def _figures(request: HttpRequest, account: Account) -> list[Context]:
    spent = spending.of([account.pk])[account.pk]
    money, unit = account.ledger_account, site_settings.for_request(request).currency
    transfers = _list("ledger_transfer", q=str(account.email)) if request.user.has_perm("ledger.view_transfer") else ""
    orders = _list("orders_order", account=account.pk) if request.user.has_perm("orders.view_order") else ""
    rates = CustomRate.objects.filter(account=account).count()
    aside = f"may go down to −{formatters.grouped_amount(money.credit_limit)}" if money.credit_limit else "no credit"
    return [
        {
            "title": "Balance",
            "value": formatters.grouped_amount(money.balance or ZERO),
            "unit": unit,
            "aside": aside,
            "link": transfers,
        },
        {
            "title": "Spent in 30 days",
            "value": formatters.grouped_amount(spent.spent_recently),
            "unit": unit,
            "aside": f"{formatters.grouped_amount(spent.spent)} ever, after refunds",
            "link": transfers,
        },
        {"title": "Orders", "value": spent.orders_shown, "aside": _ago("last", spent.ordered_at), "link": orders},
        {
            "title": "Custom rates",
            "value": f"{rates:,}",
            "aside": "else what everybody pays",
            "link": _list("catalog_customrate", account=account.pk)
            if request.user.has_perm("catalog.view_customrate")
            else "",
        },
        {
            "title": "Last seen",
            "value": _day(spent.seen_at),
            "aside": f"joined {account.created_at:%d %b %Y}",
            "link": "",
        },
    ]


def _sections(request: HttpRequest, account: Account) -> list[Context | None]:
    may = request.user.has_perm
    return [
        _orders(account) if may("orders.view_order") else None,
        _transfers(account) if may("ledger.view_transfer") else None,
        _payments(account) if may("ledger.view_transfer") else None,
    ]


def _orders(account: Account) -> Context:
    rows = [
        [
            formatters.page_link(reverse("admin:orders_order_change", args=[order.pk]), f"#{order.pk}"),
            formatters.truncated(str(order.service)),
            formatters.amount(order.net),
            formatters.status_badge(order.status),
            formatters.timestamp(order.created_at),
        ]
        for order in Order.objects.filter(account=account).select_related("service")[:ROWS]
    ]
    return _section(
        "Last orders",
        ["Order", "Service", "Charge", "Status", "Created"],
        rows,
        _list("orders_order", account=account.pk),
    )


def _transfers(account: Account) -> Context:
    mine = account.ledger_account.pk
    sides = [Transfer.objects.filter(**{side: mine}).order_by("-id")[:ROWS] for side in ("debit", "credit")]
    newest = sorted((each for side in sides for each in side), key=lambda transfer: -transfer.pk)[:ROWS]
    rows = [
        [
            formatters.page_link(
                reverse("admin:ledger_transfer_change", args=[each.pk]), TransferKind(each.kind).label
            ),
            f"{'+' if each.credit_id == mine else '−'}{formatters.amount(each.amount)}",
            formatters.amount(each.balance_after),
            formatters.truncated(each.actor),
            formatters.timestamp(each.at),
        ]
        for each in newest
    ]
    heads = ["What", "Amount", "Balance after", "By", "At"]
    return _section("Last transfers", heads, rows, _list("ledger_transfer", q=str(account.email)))


def _payments(account: Account) -> Context | None:
    found = ManualPayment.objects.filter(account=account).select_related("requested_by")[:ROWS]
    rows = [
        [
            formatters.page_link(reverse("admin:ledger_manualpayment_change", args=[each.pk]), each.kind.capitalize()),
            formatters.amount(each.amount),
            formatters.badge(each.state, STATE_COLOURS[each.state]),
            formatters.truncated(str(each.requested_by)),
            formatters.timestamp(each.requested_at),
        ]
        for each in found
    ]
    heads = ["Payment by hand", "Amount", "State", "By", "At"]
    return (
        _section("Payments by hand", heads, rows, _list("ledger_manualpayment", q=str(account.email))) if rows else None
    )


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], link: str) -> Context:
    numbers = [place for place, head in enumerate(heads) if head in FIGURES]
    return {"title": title, "heads": heads, "rows": rows, "link": link, "numbers": numbers}


def _sessions(account: Account) -> list[Context]:
    found = UserSession.objects.filter(user=account).order_by("-last_seen_at")[:ROWS]
    return [{"ip": each.ip, "agent": each.user_agent, "at": formatters.timestamp(each.last_seen_at)} for each in found]


def _list(name: str, **parameters: str | int) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(parameters)}"


def _day(at: Any) -> str:
    return f"{at:%d %b %Y}" if at else "never"


def _ago(word: str, at: Any) -> str:
    return f"{word} {at:%d %b %Y %H:%M}" if at else "none yet"
