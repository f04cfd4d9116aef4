"""Mass orders: one `service | link | quantity` a line. Either all orders are placed, or none."""

from decimal import Decimal
from typing import NamedTuple

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from psycopg import Connection

from tradepost.accounts import impersonation
from tradepost.database import in_transaction
from tradepost.engine.errors import Refusal
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.quoting import Quote, quote
from tradepost.panel.order_forms import form_token, idempotency_key
from tradepost.panel.requests import customer
from tradepost.site_settings import effective as site_settings

SEPARATOR = "|"
COLUMNS = ("service", "link", "quantity")


class MassOrderLine(NamedTuple):
    """A line of the form. `answer` is its quote or refusal; None if the line has not three columns."""

    number: int
    text: str
    answer: Quote | Refusal | None

    @property
    def mistake(self) -> str:
        """The mistake, in the API's words; empty if the line is right."""
        if self.answer is None:
            return _("Write service | link | quantity")
        return str(self.answer) if isinstance(self.answer, Refusal) else ""


def mass_order(request: HttpRequest) -> HttpResponse:
    """Show the form, check all its lines, or place all its orders."""
    text = request.POST.get("orders", "").replace("\x00", "\ufffd")
    name = form_token(request.POST)
    typed = [line.strip() for line in text.splitlines() if line.strip()]
    lines_max = site_settings.for_request(request).mass_order_lines_max
    context: dict[str, object] = {"text": text, "name": name, "lines_max": lines_max}
    if request.method != "POST" or not typed:
        return render(request, "panel/mass_order.html", context)
    if len(typed) > lines_max:
        return render(request, "panel/mass_order.html", {**context, "is_too_long": True})
    lines = _check(customer(request).pk, typed)
    if "place" in request.POST and not any(line.mistake for line in lines):
        lines = _place(request, lines, name)
        if not any(line.mistake for line in lines):
            count = len(lines)
            messages.success(request, ngettext("%d order is placed.", "%d orders are placed.", count) % count)
            return redirect("panel:orders")
    return render(request, "panel/mass_order.html", {**context, **_results(lines)})


def _results(lines: list[MassOrderLine]) -> dict[str, object]:
    quotes = [line.answer for line in lines if isinstance(line.answer, Quote)]
    total = sum((quote.charge for quote in quotes), Decimal(0))
    return {"lines": lines, "total": total, "wrong": len(lines) - len(quotes)}


def _parameters(text: str) -> dict[str, str] | None:
    values = [value.strip() for value in text.split(SEPARATOR)]
    return dict(zip(COLUMNS, values, strict=True)) if len(values) == len(COLUMNS) else None


def _check(account: int, typed: list[str]) -> list[MassOrderLine]:
    parsed = [_parameters(text) for text in typed]
    orders = [parameters for parameters in parsed if parameters]
    answers = iter(in_transaction(lambda connection: quote(connection, account, orders)))
    return [
        MassOrderLine(number, text, next(answers) if parameters else None)
        for number, (text, parameters) in enumerate(zip(typed, parsed, strict=True), 1)
    ]


def _place(request: HttpRequest, lines: list[MassOrderLine], name: str) -> list[MassOrderLine]:
    """Place all orders with one call. If one is refused, place none. Return the lines, with refusals as answers."""
    account, actor = customer(request).pk, impersonation.actor_of(request, Mode.MASS.value)
    orders = [(line.number, _parameters(line.text) or {}) for line in lines]
    requests = [
        OrderRequest(account, parameters, idempotency_key=idempotency_key(f"{name}-{number}", parameters))
        for number, parameters in orders
    ]

    def all_or_none(connection: Connection) -> list[Placed | Refusal]:
        answers = place(connection, requests, mode=Mode.MASS, actor=actor)
        if any(isinstance(answer, Refusal) for answer in answers):
            transaction.set_rollback(True)
        return answers

    answers = in_transaction(all_or_none)
    return [
        line._replace(answer=answer) if isinstance(answer, Refusal) else line
        for line, answer in zip(lines, answers, strict=True)
    ]
