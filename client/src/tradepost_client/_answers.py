"""From a panel's JSON to results, action by action (docs/protocol.md §2 and §5).

If the JSON is not an answer to the action, each function raises `NotUnderstood`, and nothing else. Fields are found by
any of their names, here in lower case without marks (`_fields.plain`): `orderid` is `order_id`, `orderId`, `Order ID`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from tradepost_client import _statuses, _types, _values, _words
from tradepost_client._fields import Fields, Object, first, plain
from tradepost_client._json import Json
from tradepost_client._results import (
    Balance,
    CancelAccepted,
    CancelOf,
    Declined,
    Id,
    ListedOrder,
    Placed,
    Refill,
    RefillOf,
    RefillStanding,
    RefillStandingOf,
    Service,
    Standing,
    StandingOf,
    Unreadable,
)

_ORDER = ("order", "orderid", "id")
_SERVICE = ("service", "serviceid", "id")
_REFILL = ("refill", "refillid", "id")
_STATUS = ("orderstatus", "status")
_WRAPPERS = ("data", "result", "response")
_RATE = ("rate", "price", "cost", "priceper1000", "rateper1000", "priceper1k", "rateper1k")
_SUCCESS = ("success", "issuccess", "ok")
_ENVELOPE_STATUSES = frozenset({"success", "successful", "succeeded", "ok", "true", "200"})
_ACCEPTED = frozenset({"success", "successful", "accepted", "ok", "done", "canceled", "cancelled", "canceling"})
_DEPTH_MAX = 3  # how many objects are looked for within one another


class NotUnderstood(Exception):  # noqa: N818 - not an error yet: the caller decides what it means
    """The JSON is not an answer to the action. `error` is the error that stands in place of an answer, if any."""

    def __init__(self, error: str = "") -> None:
        super().__init__(error)
        self.error = error


def error(value: Json) -> str:
    """Return the error that an answer itself carries, not one that it wraps; empty if it carries none.

    An answer carries an error in `error`, or by saying that it did not succeed: `success` (or `ok`) is false, 0 or
    "no", or `status` is false. Any other text in `status` may be the status of an order.
    """
    if not isinstance(value, dict):
        return ""
    fields = plain(value)
    error = fields.get("error")
    if _values.is_nothing(error):
        failed = _values.text(fields.get("status")).lower() == "false" or any(
            _values.is_no(fields.get(name)) for name in _SUCCESS
        )
        return (_words.of_json(value) or _values.raw(value)) if failed else ""
    if _values.flag(error):
        error = _words.of_json({**fields, "error": None}) or error
    if isinstance(error, dict):
        error = _words.of_json(error) or error
    return _values.plain_text(error) or _values.raw(error)


def wrapped_error(value: Json) -> str:
    """Return the error that an answer carries or wraps, as in `{"data": {"error": "Incorrect order ID"}}`."""
    for _ in range(_DEPTH_MAX):
        text = error(value)
        if text:
            return text
        value = _unwrapped(value, _WRAPPERS)
    return ""


def claims_success(value: Json) -> bool:
    """Return whether an answer says that it succeeded. An error beside that contradicts it."""
    if not isinstance(value, dict):
        return False
    fields = plain(value)
    status = _values.text(fields.get("status")).lower()
    return status in {"success", "true"} or any(_values.flag(fields.get(name)) for name in _SUCCESS)


def placed(value: Json) -> Placed:
    """Parse the answer to `add`."""
    order = _id_of("order", value)
    if order is None:
        order = next((id_ for fields in _layers(value) if (id_ := _values.id_(fields.get("id"))) is not None), None)
    if order is None:
        raise NotUnderstood
    return Placed(order)


def balance(value: Json) -> Balance:
    """Parse the answer to `balance`: an object, nested or not, or the bare amount."""
    layers = _layers(value)
    for fields in layers:
        written = first(fields, ("balance", "funds", "userbalance", "accountbalance"))
        if isinstance(written, dict):
            written = first(plain(written), ("amount", "value", "balance"))
        amount = _values.amount(written)
        if amount is not None:
            currencies = (layer["currency"] for layer in (fields, *layers) if layer.get("currency"))
            return Balance(amount, _values.text(next(currencies, "")) or _values.currency(written))
    bare = first(plain(value), _WRAPPERS) if isinstance(value, dict) else value
    amount = _values.amount(bare)
    if amount is None:
        raise NotUnderstood
    return Balance(amount, _values.currency(bare))


def services(value: Json) -> list[Service]:
    """Parse the answer to `services`: an array, also within an object, or an object by id or by category."""
    for _ in range(_DEPTH_MAX):
        value = _unwrapped(value, ("services", *_WRAPPERS))
    if not isinstance(value, dict | list):
        raise NotUnderstood
    entries = [(id_, plain(fields)) for id_, fields in _service_entries(value) if isinstance(fields, dict)]
    decimal_comma = _values.writes_decimal_commas(first(fields, _RATE) for _, fields in entries)
    services = [service for id_, fields in entries if (service := _service(id_, fields, decimal_comma=decimal_comma))]
    if value and not services:
        raise NotUnderstood
    return services


def _service_entries(value: Object | list[Json]) -> Iterator[tuple[Json, Json]]:
    """Return the services, each with the key that may be its id. Lists by category give them their category."""
    if isinstance(value, list):
        yield from ((None, fields) for fields in value)
        return
    for key, entry in value.items():
        if isinstance(entry, list):
            yield from ((None, {"category": key, **fields}) for fields in entry if isinstance(fields, dict))
        else:
            yield key, entry


def _service(id_: Json, fields: Fields, *, decimal_comma: bool) -> Service | None:
    service = _id(fields, _SERVICE) or _values.id_(id_)
    if service is None:
        return None  # a service without an id can't be ordered

    def text(*names: str) -> str:
        return _values.plain_text(first(fields, names))

    type_ = text("type", "servicetype") or "Default"
    return Service(
        service=service,
        name=text("name", "title", "servicename"),
        type=_types.type_name(type_) or type_,
        category=text("category", "categoryname"),
        rate=_rate(fields, decimal_comma=decimal_comma),
        min=_values.limit(first(fields, ("min", "minimum", "minquantity", "minorder", "minamount"))),
        max=_values.limit(first(fields, ("max", "maximum", "maxquantity", "maxorder", "maxamount"))),
        refill=_values.is_offered(first(fields, ("refill", "refillable", "refillallowed", "hasrefill"))),
        cancel=_values.is_offered(first(fields, ("cancel", "canceling", "cancelling", "cancelable", "cancellable",
                                           "cancelallowed", "hascancel"))),
        dripfeed=_values.is_offered(first(fields, ("dripfeed", "dripfeedallowed", "hasdripfeed", "drip"))),
        description=text("description", "desc", "details", "servicedescription"),
        average_time=text("averagetime", "avgtime", "average", "averagedelivery", "time"),
    )  # fmt: skip


def _rate(fields: Fields, *, decimal_comma: bool) -> Decimal | None:
    """Return the first rate that can be read, by any of its names."""
    amounts = (_values.amount(fields.get(name), decimal_comma=decimal_comma) for name in _RATE)
    return next((amount for amount in amounts if amount is not None), None)


def standing(value: Json, order: str) -> Standing:
    """Parse the answer to `status` of one order. Some panels answer with an object by id, as for many orders.

    A status that is only the answer's own, such as "success", is none. An unknown status with an error's words beside
    it and no number of an order is none either: it may be about the question.
    """
    by_id = _entries(value, _ORDER).get(order)
    if isinstance(by_id, dict):
        refused = error(by_id)
        if refused:
            raise NotUnderstood(refused)
        return _entry_standing(by_id)
    found = _found_standing(value)
    if found is None or (found.status is None and not _has_numbers(found) and _words.of_json(value)):
        raise NotUnderstood
    return found


def standings(value: Json, orders: Sequence[Id]) -> dict[Id, StandingOf]:
    """Parse the answer to `status` of many orders: an object by id, or an array of objects with ids."""
    return _parse_each(value, orders, _ORDER, _entry_standing)


def _entry_standing(fields: Object) -> Standing:
    return _found_standing(fields) or _standing(plain(fields))


def _found_standing(value: Json) -> Standing | None:
    """Return the first standing in an answer, or in what the answer wraps, that is an order's."""
    for fields in _layers(value, "order", "status"):
        if _values.text(first(fields, _STATUS)):
            standing = _standing(fields)
            if standing.raw_status.lower() not in _ENVELOPE_STATUSES or _has_numbers(standing):
                return standing
    return None


def _has_numbers(standing: Standing) -> bool:
    return any(number is not None for number in (standing.charge, standing.remains, standing.start_count))


def listed(value: Json) -> list[ListedOrder]:
    """Parse the answer to `orders`, Tradepost's list of the newest orders."""
    value = _unwrapped(value, ("orders", *_WRAPPERS))
    if not isinstance(value, list):
        raise NotUnderstood
    return [_listed(fields) for fields in value]


def _listed(value: Json) -> ListedOrder:
    fields = plain(value) if isinstance(value, dict) else {}
    order = _id(fields, _ORDER)
    if order is None:
        raise NotUnderstood  # a list with a gap would be taken for proof that an order does not exist
    return ListedOrder(
        order=order,
        service=_values.id_(fields.get("service")),
        link=_values.text(fields.get("link")),
        quantity=_values.whole(fields.get("quantity")),
        created=_values.text(fields.get("created")),
        standing=_standing(fields),
    )


def refill(value: Json) -> Refill:
    """Parse the answer to `refill` of one order."""
    refill = _id_of("refill", value)
    if refill is None:
        raise NotUnderstood
    return Refill(refill)


def refills(value: Json, orders: Sequence[Id]) -> dict[Id, RefillOf]:
    """Parse the answer to `refill` of many orders."""
    return _parse_each(value, orders, _ORDER, refill, "refill")


def refill_standing(value: Json) -> RefillStanding:
    """Parse the answer to `refill_status` of one refill. A status may be an object with the status in it."""
    written = [text for fields in _layers(value, "status", "refill") if (text := _values.text(fields.get("status")))]
    if not written:
        raise NotUnderstood
    status = next((text for text in written if text.lower() not in _ENVELOPE_STATUSES), written[0])
    return RefillStanding(_statuses.refill_status(status), status)


def refill_standings(value: Json, refills: Sequence[Id]) -> dict[Id, RefillStandingOf]:
    """Parse the answer to `refill_status` of many refills."""
    return _parse_each(value, refills, _REFILL, refill_standing, "status")


def cancels(value: Json, orders: Sequence[Id]) -> dict[Id, CancelOf]:
    """Parse the answer to `cancel`."""
    return _parse_each(value, orders, _ORDER, _cancel, "cancel")


def _cancel(fields: Object) -> CancelAccepted:
    """Parse the answer about one order: 1, the request's id or a word in `cancel`, or an object with a word in it."""
    for layer in _layers(fields, "cancel"):
        request = layer.get("cancel")
        answer = first(layer, ("cancel", "status", "success"))
        is_request_id = isinstance(request, int) and request > 0
        if is_request_id or _values.flag(answer) or _values.text(answer).lower() in _ACCEPTED:
            return CancelAccepted()
    raise NotUnderstood


def _standing(fields: Fields) -> Standing:
    written = _values.text(first(fields, _STATUS))
    if not written:
        raise NotUnderstood
    orders = fields.get("orders")
    return Standing(
        status=_statuses.status(written),
        raw_status=written,
        charge=_values.amount(fields.get("charge")),
        start_count=_values.whole(first(fields, ("startcount", "startcounter", "start"))),
        remains=_values.whole(first(fields, ("remains", "remain", "remaining"))),
        currency=_values.text(fields.get("currency")),
        runs=_values.whole(fields.get("runs")),
        posts=_values.whole(fields.get("posts")),
        expiry=_values.text(fields.get("expiry")),
        orders=tuple(id_ for order in orders if (id_ := _values.id_(order))) if isinstance(orders, list) else (),
    )


def _parse_each[R](
    value: Json, ids: Sequence[Id], names: Sequence[str], parse: Callable[[Object], R], field: str = ""
) -> dict[Id, R | Declined | Unreadable]:
    """Parse an answer about many ids: an object by id, an array of objects with ids, or, for a single id, the bare one.

    An entry's error may be in the entry itself or in its `field`. Raises `NotUnderstood` if every id is unreadable, or
    if the answer names no id and is an error: that is about all of them.
    """
    entries = _entries(value, names)
    if len(ids) == 1 and str(ids[0]) not in entries and isinstance(value, dict):
        if error(value):
            raise NotUnderstood
        entries = {str(ids[0]): value}
    results = {id_: _parse_entry(entries.get(str(id_).strip()), parse, field) for id_ in ids}
    if all(isinstance(result, Unreadable) for result in results.values()):
        raise NotUnderstood
    return results


def _parse_entry[R](entry: Json, parse: Callable[[Object], R], field: str) -> R | Declined | Unreadable:
    if isinstance(entry, dict):
        declined = error(entry) or error(plain(entry).get(field))
        if declined:
            return Declined(declined)
    try:
        return parse(entry if isinstance(entry, dict) else {field: entry})
    except NotUnderstood:
        return Unreadable("" if entry is None else _values.raw(entry))


def _entries(value: Json, names: Sequence[str]) -> Mapping[str, Json]:
    """Return the entry about each id, by the id's text."""
    for _ in range(_DEPTH_MAX):
        value = _unwrapped(value, ("orders", *_WRAPPERS))
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {}
    by_id = ((_id_text(plain(entry), names), entry) for entry in value if isinstance(entry, dict))
    return {id_: entry for id_, entry in by_id if id_}


def _unwrapped(value: Json, names: Sequence[str]) -> Json:
    """Return the first object or array that an object holds under one of these names; else the value itself."""
    if not isinstance(value, dict):
        return value
    fields = plain(value)
    return next((fields[name] for name in names if isinstance(fields.get(name), dict | list)), value)


def _id_text(fields: Fields, names: Sequence[str]) -> str:
    """Return the id of an entry as text, to compare with the caller's. `_id` would drop a malformed one."""
    return next((id_ for name in names if (id_ := _values.text(fields.get(name)))), "")


def _layers(value: Json, *holders: str) -> list[Fields]:
    """Return an object, then the objects that it holds in `data`, `result`, `response` or one of the `holders`.

    An array of one object is that object.
    """
    layers: list[Fields] = []
    level = [value]
    for _ in range(_DEPTH_MAX):
        singles = (held[0] if isinstance(held, list) and len(held) == 1 else held for held in level)
        objects = [plain(single) for single in singles if isinstance(single, dict)]
        layers += objects
        level = [fields[name] for fields in objects for name in (*_WRAPPERS, *holders) if name in fields]
    return layers


def _id_of(noun: str, value: Json) -> Id | None:
    """Return the id of a new order or refill: in `order`, in `order_id`, or the `id` of an object in `order`."""
    layers = _layers(value, noun)
    ids = [_id(fields, (noun, f"{noun}id")) for fields in layers]
    held = [plain(inner) for fields in layers if isinstance(inner := fields.get(noun), dict)]
    return next((id_ for id_ in (*ids, *(_id(fields, ("id",)) for fields in held)) if id_ is not None), None)


def _id(fields: Fields, names: Sequence[str]) -> Id | None:
    return next((id_ for name in names if (id_ := _values.id_(fields.get(name))) is not None), None)
