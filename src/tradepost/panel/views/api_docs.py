"""The API's reference page, made from the API's own tables: order types, statuses and errors."""

from inspect import cleandoc
from typing import NamedTuple

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from tradepost.accounts.models import Account
from tradepost.engine import errors
from tradepost.engine.actions import Action
from tradepost.engine.errors import IncorrectParameter, QuantityTooLarge, QuantityTooSmall, Refusal
from tradepost.engine.order_types import RULES, OrderType, Quantity
from tradepost.engine.statuses import DELIVERING, RefillStatus, Status
from tradepost.panel.desk_url import desk_url
from tradepost.panel.order_fields import FIELD_SPECS
from tradepost.panel.storefront import Storefront

EXAMPLE_LINK = "https://example.com/page"


class ActionDoc(NamedTuple):
    """An action of the API: its parameters without `key`, and an example of its answer."""

    name: Action
    does: str | Promise
    parameters: tuple[str, ...]
    answer: str


ACTIONS = (
    ActionDoc(
        Action.SERVICES,
        _("Services on sale, at your rates"),
        (),
        '[{"service":1,"name":"Followers","type":"Default","category":"First","rate":"0.90","min":"50","max":"10000",'
        '"refill":true,"cancel":true,"dripfeed":false,"description":"","average_time":""}]',
    ),
    ActionDoc(Action.ADD, _("Place an order"), ("service", "link", "quantity"), '{"order":23501}'),
    ActionDoc(
        Action.STATUS,
        _("Status of an order; for many, an object by id"),
        ("order", "orders"),
        '{"charge":"0.27819","start_count":"3572","status":"Partial","remains":"157","currency":"USD"}',
    ),
    ActionDoc(Action.BALANCE, _("Your balance"), (), '{"balance":"100.84292","currency":"USD"}'),
    ActionDoc(Action.REFILL, _("Request a refill; for many, an array"), ("order", "orders"), '{"refill":"1"}'),
    ActionDoc(
        Action.REFILL_STATUS,
        _("Status of a refill"),
        ("refill", "refills", "order", "orders"),
        '{"status":"Completed"}',
    ),
    ActionDoc(
        Action.CANCEL, _("Request a cancellation; always an array"), ("order", "orders"), '[{"order":9,"cancel":1}]'
    ),
    ActionDoc(
        Action.ORDERS,
        _("Your newest orders"),
        ("limit", "before"),
        '[{"order":23501,"service":1,"link":"https://example.com/page","quantity":100,"status":"In progress",'
        '"charge":"0.09","start_count":"0","remains":"100","created":"2026-11-22T14:30:00Z"}]',
    ),
)

# Each example runs as it is shown, and uses only its language's standard library.
EXAMPLES = {
    "curl": """curl {url} \\
    -d key={key} \\
    -d action=add \\
    -d service={service} \\
    -d link={link} \\
    -d quantity={quantity}
""",
    "Python": """import json
from urllib.parse import urlencode
from urllib.request import urlopen

order = {{
    "key": "{key}",
    "action": "add",
    "service": {service},
    "link": "{link}",
    "quantity": {quantity},
}}
with urlopen("{url}", urlencode(order).encode()) as answer:
    print(json.load(answer))
""",
    "PHP": """<?php
$order = [
    'key' => '{key}',
    'action' => 'add',
    'service' => {service},
    'link' => '{link}',
    'quantity' => {quantity},
];
$answer = file_get_contents('{url}', false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => 'Content-Type: application/x-www-form-urlencoded',
    'content' => http_build_query($order),
]]));
print_r(json_decode($answer, true));
""",
    "Node": """const order = {{
  key: "{key}",
  action: "add",
  service: {service},
  link: "{link}",
  quantity: {quantity},
}};
fetch("{url}", {{ method: "POST", body: new URLSearchParams(order) }})
  .then((answer) => answer.json())
  .then(console.log);
""",
}


class OrderTypeDoc(NamedTuple):
    """An order type and its parameters. `counts` is the parameter, or the rule, that gives the quantity."""

    type: OrderType
    required: list[str]
    optional: list[str]
    counts: str


class ErrorDoc(NamedTuple):
    text: str
    when: str


@login_not_required
@require_safe
def api_docs(request: HttpRequest) -> HttpResponse:
    """Show the reference. Its examples use the address of this desk."""
    viewer = request.user if isinstance(request.user, Account) else None
    url = desk_url(request, "/api/v2")
    context = {
        "url": url,
        "actions": ACTIONS,
        "kinds": [_order_type_doc(type_) for type_ in OrderType],
        "parameters": [(name, look) for name, look in FIELD_SPECS.items()],
        "errors": known_errors(),
        "statuses": [*DELIVERING, Status.COMPLETED, Status.PARTIAL, Status.CANCELED],
        "subscription_statuses": [Status.ACTIVE, Status.PAUSED, Status.COMPLETED, Status.EXPIRED, Status.CANCELED],
        "refill_statuses": list(RefillStatus),
        "examples": examples(url, Storefront(viewer)),
    }
    return render(request, "panel/api_docs.html", context)


@login_not_required
@require_safe
def console(request: HttpRequest) -> HttpResponse:
    """Show a form that calls the API from the browser. The key that the user types is not sent to this page."""
    names = sorted({name for action in ACTIONS for name in action.parameters} | set(FIELD_SPECS))
    url = desk_url(request, "/api/v2")
    return render(request, "panel/console.html", {"actions": ACTIONS, "names": names, "url": url})


def examples(url: str, storefront: Storefront, *, key: str = "YOUR_KEY") -> dict[str, str]:
    """Return the examples by language, for a service that is on sale."""
    offers, _count = storefront.find(limit=1_000)
    service = next((offer.service for offer in offers if offer.service.type is OrderType.DEFAULT), None)
    values = {"service": service.id if service else 1, "quantity": service.terms.min if service else 100}
    return {name: text.format(url=url, key=key, link=EXAMPLE_LINK, **values) for name, text in EXAMPLES.items()}


def known_errors() -> list[ErrorDoc]:
    """Return every error of the API: the text that clients see, and when it is the answer."""
    with_placeholders = {
        IncorrectParameter: "Incorrect <parameter>",
        QuantityTooSmall: "Quantity less than minimal <N>",
        QuantityTooLarge: "Quantity more than maximum <N>",
    }
    classes = [class_ for class_ in vars(errors).values() if isinstance(class_, type) and issubclass(class_, Refusal)]
    return [
        ErrorDoc(with_placeholders.get(class_, class_.text), cleandoc(class_.__doc__ or ""))
        for class_ in classes
        if class_ is not Refusal
    ]


def _order_type_doc(type_: OrderType) -> OrderTypeDoc:
    rule = RULES[type_]
    required = ["link"] if rule.link else []
    required += ["quantity"] if rule.quantity is Quantity.GIVEN else []
    optional = [*rule.optional, *(name for name, _other, _value in rule.required_when)]
    optional += ["runs", "interval"] if rule.dripfeed else []
    return OrderTypeDoc(type_, [*required, *rule.required], optional, str(rule.quantity))
