"""The overview above the form of an account's page. Each part is for users who may see the list it comes from."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

from tradepost import formats
from tradepost.accounts import access, browsers
from tradepost.accounts.models import Account, AccountEvent, EventKind, Note, SignInEvent, SignInKind
from tradepost.backoffice.accounts import spending
from tradepost.backoffice.ui import formatters, links
from tradepost.catalog.models import CustomRate
from tradepost.engine.ledger import TransferKind
from tradepost.engine.money import ZERO
from tradepost.ledger.models import ManualPayment, Transfer
from tradepost.orders.models import Order

ROWS = 6
NUMERIC_HEADS = {"Charge", "Amount", "Balance after"}  # columns aligned right
STATE_COLOURS = {"requested": "warning", "done": "success", "rejected": "danger"}

type Context = dict[str, Any]


def account_overview(request: HttpRequest, account: Account) -> Context:
    """Return the template's context."""
    notes = list(Note.objects.filter(account=account).select_related("author")[:ROWS])
    events = list(AccountEvent.objects.filter(account=account)[:ROWS])
    return {
        "account": account,
        "pinned": next((note for note in notes if note.is_pinned), None),
        "notes": notes,
        "events": [{"event": event, "at": formats.ago_html(event.at), **_change(event)} for event in events],
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
    has_perm = request.user.has_perm
    spent = spending.spending_by_account([account.pk])[account.pk]
    rates = CustomRate.objects.filter(account=account).count()
    money = account.ledger_account
    lowest = format_html("may go down to {}", formatters.money(-money.credit_limit))
    credit = lowest if money.credit_limit else "no credit"
    transfers = _list_url("ledger_transfer", q=str(account.email)) if has_perm("ledger.view_transfer") else ""
    orders = _list_url("orders_order", account=account.pk) if has_perm("orders.view_order") else ""
    custom = _list_url("catalog_customrate", account=account.pk) if has_perm("catalog.view_customrate") else ""
    ever = format_html("{} all time, net", formatters.money(spent.spent))
    last_order = format_html("last {}", formats.ago_html(spent.ordered_at)) if spent.ordered_at else "none yet"
    return [
        _figure("Balance", formatters.money(money.balance or ZERO), credit, transfers),
        _figure("Spent in 30 days", formatters.money(spent.spent_recently), ever, transfers),
        _figure("Orders", spent.orders_shown, last_order, orders),
        _figure("Custom rates", formats.whole(rates), "standard prices otherwise", custom),
        _figure(
            "Last seen",
            formats.ago_html(spent.seen_at) if spent.seen_at else "never",
            format_html("joined {}", formats.moment_html(account.created_at)),
        ),
    ]


def _figure(title: str, value: str, aside: str, link: str = "") -> Context:
    return {"title": title, "value": value, "aside": aside, "link": link}


def _sections(request: HttpRequest, account: Account) -> list[Context | None]:
    has_perm = request.user.has_perm
    return [
        _orders(account) if has_perm("orders.view_order") else None,
        _transfers(account) if has_perm("ledger.view_transfer") else None,
        _payments(account) if links.may_view(ManualPayment) else None,
        _sign_ins(account) if has_perm("accounts.view_signinevent") else None,
    ]


def _orders(account: Account) -> Context:
    rows = [
        [
            formatters.page_link(reverse("admin:orders_order_change", args=[order.pk]), f"#{order.pk}"),
            formatters.truncated(str(order.service)),
            formatters.money(order.net),
            formatters.status_badge(order.status),
            formats.moment_html(order.created_at),
        ]
        for order in Order.objects.filter(account=account).select_related("service")[:ROWS]
    ]
    return _section(
        "Last orders",
        ["Order", "Service", "Charge", "Status", "Created"],
        rows,
        _list_url("orders_order", account=account.pk),
    )


def _transfers(account: Account) -> Context:
    ledger_account = account.ledger_account.pk
    sides = [Transfer.objects.filter(**{side: ledger_account}).order_by("-id")[:ROWS] for side in ("debit", "credit")]
    newest = sorted((transfer for side in sides for transfer in side), key=lambda transfer: -transfer.pk)[:ROWS]
    rows = [
        [
            formatters.page_link(
                reverse("admin:ledger_transfer_change", args=[transfer.pk]), TransferKind(transfer.kind).label
            ),
            formatters.signed_money(transfer.amount if transfer.credit_id == ledger_account else -transfer.amount),
            formatters.money(transfer.balance_after),
            formatters.truncated(transfer.actor),
            formats.moment_html(transfer.at),
        ]
        for transfer in newest
    ]
    heads = ["What", "Amount", "Balance after", "By", "At"]
    return _section("Last transactions", heads, rows, _list_url("ledger_transfer", q=str(account.email)))


def _payments(account: Account) -> Context | None:
    payments = ManualPayment.objects.filter(account=account).select_related("requested_by")[:ROWS]
    rows = [
        [
            formatters.page_link(
                reverse("admin:ledger_manualpayment_change", args=[payment.pk]), payment.kind.capitalize()
            ),
            formatters.money(payment.amount),
            formatters.badge(payment.state, STATE_COLOURS[payment.state]),
            formatters.truncated(str(payment.requested_by)),
            formats.moment_html(payment.requested_at),
        ]
        for payment in payments
    ]
    heads = ["Manual payment", "Amount", "State", "By", "At"]
    return (
        _section("Manual payments", heads, rows, _list_url("ledger_manualpayment", q=str(account.email)))
        if rows
        else None
    )


def _sign_ins(account: Account) -> Context:
    rows = [
        [
            formatters.page_link(
                reverse("admin:accounts_signinevent_change", args=[event.pk]), SignInKind(event.kind).label
            ),
            ", ".join(part for part in (event.method, event.detail) if part) or formats.NOTHING,
            event.address or formats.NOTHING,
            browsers.readable(event.browser) if event.browser else formats.NOTHING,
            formats.moment_html(event.at),
        ]
        for event in SignInEvent.objects.filter(account=account)[:ROWS]
    ]
    heads = ["Sign-in", "How", "From", "Device", "At"]
    return _section("Last sign-ins", heads, rows, _list_url("accounts_signinevent", q=str(account.email)))


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], link: str) -> Context:
    numbers = [index for index, head in enumerate(heads) if head in NUMERIC_HEADS]
    return {"title": title, "heads": heads, "rows": rows, "link": link, "numbers": numbers}


def _sessions(account: Account) -> list[Context]:
    sessions = UserSession.objects.filter(user=account).order_by("-last_seen_at")[:ROWS]
    return [
        {
            "ip": session.ip,
            "browser": browsers.readable(session.user_agent),
            "agent": session.user_agent,
            "at": formats.ago_html(session.last_seen_at),
        }
        for session in sessions
    ]


def _list_url(name: str, **parameters: str | int) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode(parameters)}"


def _change(event: AccountEvent) -> Context:
    """Return what an event has changed. Credit limits are kept as plain numbers, and shown as money."""
    if event.kind != EventKind.CREDIT_LIMIT:
        return {"before": event.before, "after": event.after}
    return {name: formatters.money(Decimal(getattr(event, name) or 0)) for name in ("before", "after")}
