"""JSON Schemas of the API's answers (docs/protocol.md §2). An answer has exactly the fields of its schema."""

import re
from typing import Any

from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import PARAMETERS, OrderType
from tradepost.engine.statuses import DELIVERING, SUBSCRIBED, RefillStatus, Status

type Schema = dict[str, Any]

_NUMBER: Schema = {"type": "integer"}
_WHOLE: Schema = {"type": "string", "pattern": "^[0-9]+$"}
_AMOUNT: Schema = {"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2,5}$"}
_RATE: Schema = {"type": "string", "pattern": r"^[0-9]+\.[0-9]{2,7}$", "description": "The price of 1,000, or of one."}
_CURRENCY: Schema = {"type": "string", "pattern": "^[A-Z]{3}$"}
_DAY: Schema = {"type": "string", "pattern": "^([0-9]{2}/[0-9]{2}/[0-9]{4})?$", "description": "d/m/Y, or empty."}
_TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", "description": "In UTC."}
_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_ID_AS_SENT: Schema = {"type": ["integer", "string"], "description": "As it was sent; a number if it is one."}
_ORDERS: Schema = {"type": "array", "items": _NUMBER, "description": "The ids of its runs or posts, orders themselves."}

_OVER = (Status.COMPLETED, Status.PARTIAL, Status.CANCELED)
_SUBSCRIPTION_OVER = (Status.COMPLETED, Status.EXPIRED, Status.CANCELED)
_ORDER_STATUS: Schema = {"type": "string", "enum": [*DELIVERING, *_OVER]}
_SUBSCRIPTION_STATUS: Schema = {"type": "string", "enum": [*SUBSCRIBED, *_SUBSCRIPTION_OVER]}
_REFILL_STATUS: Schema = {"type": "string", "enum": RefillStatus.values()}

# The parameters that the error `Incorrect <parameter>` may name. A service and a link have their own errors.
_NAMED = sorted({*PARAMETERS, "limit", "before", "idempotency_key"} - {"service", "link"})
_PLACES = {"<parameter>": f"({'|'.join(_NAMED)})", "<N>": "[0-9]+"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(*choices: Schema) -> Schema:
    return {"anyOf": list(choices)}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _error(refusal: type[Refusal]) -> Schema:
    told: Schema = {"description": str(refusal.__doc__)}
    place = next((place for place in _PLACES if place in refusal.text), None)
    if place is None:
        return {"const": refusal.text, **told}
    before, after = map(re.escape, refusal.text.split(place))
    return {"title": refusal.text, "pattern": f"^{before}{_PLACES[place]}{after}$".replace(r"\ ", " "), **told}


_STANDING: dict[str, Schema] = {
    "charge": {**_AMOUNT, "description": "What the order costs now, refunds taken off."},
    "start_count": {**_WHOLE, "description": "The count before the first delivery; 0 until known."},
    "status": _ORDER_STATUS,
    "remains": {**_WHOLE, "description": "What is still to be delivered."},
    "currency": _CURRENCY,
}

ANSWERS: dict[str, Schema] = {
    "Error": {
        **_object(error={"type": "string", "anyOf": [_error(each) for each in Refusal.__subclasses__()]}),
        "description": "The request was understood and is declined. In lists: why, for this one.",
        "examples": [{"error": "Not enough funds on balance"}],
    },
    "Services": _list(
        _object(
            service=_NUMBER,
            name=_TEXT,
            type={"type": "string", "enum": OrderType.values()},
            category=_TEXT,
            rate=_RATE,
            min=_WHOLE,
            max=_WHOLE,
            refill=_FLAG,
            cancel=_FLAG,
            dripfeed=_FLAG,
            description=_TEXT,
            average_time=_TEXT,
        )
    ),
    "Placed": {**_object(order=_NUMBER), "examples": [{"order": 23501}]},
    "Status": {
        **_object(**_STANDING),
        "examples": [
            {"charge": "0.27819", "start_count": "3572", "status": "Partial", "remains": "157", "currency": "USD"}
        ],
    },
    "DripfeedStatus": {
        **_object(**_STANDING, runs={**_WHOLE, "description": "How many runs have been made."}, orders=_ORDERS),
        "description": "How a drip-feed stands: it ends when no run is to come and every run is over.",
    },
    "SubscriptionStatus": {
        **_object(
            **{**_STANDING, "status": _SUBSCRIPTION_STATUS},
            posts={**_WHOLE, "description": "How many posts have been served."},
            expiry=_DAY,
            orders=_ORDERS,
        ),
        "description": "How a subscription stands.",
    },
    "Statuses": {
        "type": "object",
        "additionalProperties": one_of(*map(ref, ("Status", "DripfeedStatus", "SubscriptionStatus", "Error"))),
        "description": "How each order stands, by its id as it was sent.",
    },
    "Refill": {**_object(refill=_WHOLE), "examples": [{"refill": "1"}]},
    "Refills": _list(_object(order=_ID_AS_SENT, refill=one_of(_NUMBER, ref("Error")))),
    "RefillStatus": {**_object(status=_REFILL_STATUS), "examples": [{"status": "Completed"}]},
    "RefillStatuses": _list(
        one_of(
            _object(refill=_NUMBER, status=_REFILL_STATUS),
            _object(refill=_ID_AS_SENT, status=ref("Error")),
            _object(order=_NUMBER, refill=_NUMBER, status=_REFILL_STATUS),
            _object(order=_ID_AS_SENT, status=ref("Error")),
        )
    ),
    "Cancels": {
        **_list(_object(order=_ID_AS_SENT, cancel=one_of({"const": 1}, ref("Error")))),
        "description": "For each order 1, accepted and not yet refunded, or why not.",
        "examples": [[{"order": 9, "cancel": {"error": "Incorrect order ID"}}, {"order": 2, "cancel": 1}]],
    },
    "Orders": _list(
        _object(
            order=_NUMBER,
            service=_NUMBER,
            link=_TEXT,
            quantity=_NUMBER,
            status={"type": "string", "enum": Status.values()},
            charge=_AMOUNT,
            start_count=_WHOLE,
            remains=_WHOLE,
            created=_TIME,
        )
    ),
    "Balance": {
        **_object(balance=_AMOUNT, currency=_CURRENCY),
        "examples": [{"balance": "100.84292", "currency": "USD"}],
    },
}
