"""Mass orders: one order a line. All of them are placed, or only the lines without mistakes, or none."""

import hashlib
from collections import Counter
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
from tradepost.engine.catalog import current_catalog
from tradepost.engine.errors import BadLink, IncorrectParameter, Refusal
from tradepost.engine.idempotency import fingerprint
from tradepost.engine.order_types import PARAMETERS, Parameters, wire_ids
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.quoting import Quote, quote
from tradepost.orders.models import Order
from tradepost.panel.order_forms import form_token, idempotency_key, new_token
from tradepost.panel.pasted_orders import Columns, PastedLine, PastedOrders, read_pasted
from tradepost.panel.refusal_messages import message_for
from tradepost.panel.requests import NUL, customer, search_text
from tradepost.site_settings import effective as site_settings

PAGE = "panel/mass_order.html"
ONLY_IN_THE_ORDER_FORM = PARAMETERS.keys() - {"service", "link", "quantity"}
AGAIN_MAX = 100  # orders that one address may name


class MassOrderLine(NamedTuple):
    """A line of the form. `answer` is its quote or refusal; None if the line can't be read."""

    pasted: PastedLine
    answer: Quote | Refusal | None

    @property
    def mistake(self) -> str:
        """The mistake, as a sentence; empty if the line is right."""
        if self.pasted.parameters is None:
            return _("Use the format: service | link | quantity")
        if self.pasted.unclear:
            one, other = self.pasted.unclear
            return _("The quantity may mean %(one)s or %(other)s: write it without grouping.") % {
                "one": one,
                "other": other,
            }
        if self.pasted.has_more:
            return _("The line has more than three columns.")
        if self.pasted.other:
            return _("The columns of this line are in another order: %s.") % _label(self.pasted.other)
        return _message(self.answer, self.pasted.parameters) if isinstance(self.answer, Refusal) else ""


class _Form(NamedTuple):
    """What the form holds. `shown` is the order of columns that the last preview has shown, `previewed` its digest."""

    text: str
    name: str
    chosen: Columns | None
    shown: Columns | None
    previewed: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "_Form":
        text = request.POST.get("orders", "").replace(NUL, "\ufffd")
        chosen, shown = _columns(request, "columns"), _columns(request, "shown")
        return cls(text, form_token(request.POST), chosen, shown, search_text(request.POST, "previewed"))

    @property
    def digest(self) -> str:
        """What tells whether the text is still the one that was previewed."""
        return hashlib.sha256("\n".join(self.text.split()).encode()).hexdigest()

    @property
    def is_changed(self) -> bool:
        """Whether there was a preview, of another text. The total on the button is then another order's."""
        return bool(self.previewed) and self.previewed != self.digest


def mass_order(request: HttpRequest) -> HttpResponse:
    """Show the form, check all its lines, or place all its orders or those without mistakes."""
    form = _Form.of(request)
    lines_max = site_settings.for_request(request).mass_order_lines_max
    context: dict[str, object] = {"form": form, "orders_of_columns": _labels(), "lines_max": lines_max}
    if request.method != "POST":
        return render(request, PAGE, context | _again(request, form))
    if not form.text.strip():
        return render(request, PAGE, context)
    if sum(bool(line.strip()) for line in form.text.splitlines()) > lines_max + 1:  # one may name the columns
        return render(request, PAGE, {**context, "is_too_long": True})
    pasted, lines = _check(customer(request).pk, form)
    if len(lines) > lines_max:
        return render(request, PAGE, {**context, "is_too_long": True})
    return _answer(request, context | _recognised(pasted) | {"previewed": form.digest}, form, pasted, lines)


def _answer(
    request: HttpRequest, context: dict[str, object], form: _Form, pasted: PastedOrders, lines: list[MassOrderLine]
) -> HttpResponse:
    """Place orders if a button asks for that and the customer has seen how the text is read; else show a preview."""
    is_seen = (pasted.is_sure or pasted.columns in {form.chosen, form.shown}) and not form.is_changed
    if "place" in request.POST and is_seen and not any(line.mistake for line in lines):
        lines = _place(request, lines, form.name, all_or_none=True)
        if not any(line.mistake for line in lines):
            _report(request, len(lines))
            return redirect("panel:orders")
    elif "place_good" in request.POST and is_seen:
        return _place_good(request, context, form, lines, pasted.columns)
    is_unseen = not is_seen and bool({"place", "place_good"} & request.POST.keys())
    unseen = {"is_unseen": is_unseen, "is_changed": is_unseen and form.is_changed}
    return render(request, PAGE, {**context, **_results(lines), **unseen})


def _place_good(
    request: HttpRequest, context: dict[str, object], form: _Form, lines: list[MassOrderLine], columns: Columns
) -> HttpResponse:
    """Place the lines without mistakes. The others stay in the form, which gets a new token, and so are new orders."""
    good = [line for line in lines if not line.mistake]
    placed = iter(_place(request, good, form.name, all_or_none=False))
    after = [line if line.mistake else next(placed) for line in lines]
    left = [line for line in after if line.mistake]
    if len(left) == len(lines):
        return render(request, PAGE, {**context, **_results(left)})
    _report(request, len(lines) - len(left))
    if not left:
        return redirect("panel:orders")
    text = "\n".join(line.pasted.text for line in left)
    numbered = [line._replace(pasted=line.pasted._replace(number=number)) for number, line in enumerate(left, 1)]
    left_form = _Form(text, new_token(), columns, columns)
    rest = {"form": left_form, "previewed": left_form.digest, "header": "", "is_rest": True}
    return render(request, PAGE, {**context, **rest, **_results(numbered)})


def _again(request: HttpRequest, form: _Form) -> dict[str, object]:
    """Fill the form with a line for each earlier order that the customer repeats, and name the others."""
    ids = sorted(wire_ids([search_text(request.GET, "again", chars_max=2_000).split(",")]))[:AGAIN_MAX]
    if not ids:
        return {}
    orders = list(Order.objects.filter(pk__in=ids, account=customer(request)).order_by("id"))
    lines = {order.pk: line for order in orders if (line := _line_of(order))}
    others = ", ".join(str(order.pk) for order in orders if order.pk not in lines)
    note = _("Not in the list, since they need more than a link and a quantity: %s. Repeat each from its row.")
    return {"form": form._replace(text="\n".join(lines.values())), "notes": [note % others] if others else []}


def _line_of(order: Order) -> str:
    """Return the order as a line of the form; empty if it has other parameters, or a link with a bar."""
    is_plain = bool(order.link) and not order.fields and order.parts is None and "|" not in order.link
    return f"{order.service_id} | {order.link} | {order.quantity}" if is_plain else ""


def _message(refusal: Refusal, parameters: Parameters) -> str:
    if isinstance(refusal, IncorrectParameter) and refusal.parameter in ONLY_IN_THE_ORDER_FORM:
        return _("This service needs more than a link and a quantity. Use the page “New order”.")
    return message_for(refusal, value=parameters["link" if isinstance(refusal, BadLink) else "quantity"])


def _report(request: HttpRequest, count: int) -> None:
    messages.success(request, ngettext("%d order placed.", "%d orders placed.", count) % count)


def _columns(request: HttpRequest, name: str) -> Columns | None:
    value = request.POST.get(name, "")
    return Columns(value) if value in set(Columns) else None


def _labels() -> list[tuple[str, str]]:
    return [(columns.value, _label(columns)) for columns in Columns]


def _label(columns: Columns) -> str:
    """Return an order of columns in the user's language."""
    names = {"service": _("service"), "link": _("link"), "quantity": _("quantity")}
    return " | ".join(names[name] for name in columns.names)


def _recognised(pasted: PastedOrders) -> dict[str, object]:
    names = {"\t": _("tabs"), "|": _("bars"), ";": _("semicolons"), ",": _("commas"), " ": _("spaces")}
    return {
        "columns": pasted.columns,
        "columns_label": _label(pasted.columns),
        "separators": ", ".join(names[separator] for separator in pasted.separators),
        "header": pasted.header,
    }


def _results(lines: list[MassOrderLine]) -> dict[str, object]:
    quotes = [line.answer for line in lines if isinstance(line.answer, Quote) and not line.mistake]
    total = sum((quote.charge for quote in quotes), Decimal(0))
    return {"lines": lines, "total": total, "wrong": len(lines) - len(quotes), "good": len(quotes)}


def _check(account: int, form: _Form) -> tuple[PastedOrders, list[MassOrderLine]]:
    """Read the form's text, and return it with a quote or a refusal for each line that can be read."""

    def read_and_quote(connection: Connection) -> tuple[PastedOrders, list[Quote | Refusal]]:
        catalog = current_catalog(connection)
        pasted = read_pasted(form.text, lambda text: catalog.service(text) is not None, form.chosen)
        return pasted, quote(connection, account, [line.parameters for line in pasted.lines if line.parameters])

    pasted, quotes = in_transaction(read_and_quote)
    answers = iter(quotes)
    return pasted, [MassOrderLine(line, next(answers) if line.parameters else None) for line in pasted.lines]


def _place(request: HttpRequest, lines: list[MassOrderLine], name: str, *, all_or_none: bool) -> list[MassOrderLine]:
    """Place orders with one call. Return the lines, with refusals as answers. If `all_or_none`, one refusal undoes all.

    The key of an order is made from the form's token and the order, not from the line's number: a line that has moved
    within a form that is sent again is still the same order. Equal lines are counted.
    """
    account, actor = customer(request).pk, impersonation.actor_of(request, Mode.MASS.value)
    seen: Counter[bytes] = Counter()
    requests = []
    for line in lines:
        parameters = line.pasted.parameters or {}
        seen[fingerprint(parameters)] += 1
        key = idempotency_key(f"{name}-{seen[fingerprint(parameters)]}", parameters)
        requests.append(OrderRequest(account, parameters, idempotency_key=key))

    def place_all(connection: Connection) -> list[Placed | Refusal]:
        answers = place(connection, requests, mode=Mode.MASS, actor=actor)
        if all_or_none and any(isinstance(answer, Refusal) for answer in answers):
            transaction.set_rollback(True)
        return answers

    answers = in_transaction(place_all)
    return [
        line._replace(answer=answer) if isinstance(answer, Refusal) else line
        for line, answer in zip(lines, answers, strict=True)
    ]
