"""From a panel's JSON to results, action by action (docs/protocol.md §2 and §5).

If the JSON is not an answer to the action, each function raises `NotUnderstood`, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence

from tradepost_client import _statuses, _values
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

type Object = dict[str, Json]

_ORDER = ("order", "order_id", "id")
_SERVICE = ("service", "service_id", "id")
_REFILL = ("refill", "refill_id", "id")
_WRAPPERS = ("data", "result", "response")


class NotUnderstood(Exception):  # noqa: N818 - not an error yet: the caller decides what it means
    """The JSON is not an answer to the action."""


def error(value: Json) -> str:
    """Return the error in an answer; empty if it contains none, or an empty one."""
    error = value.get("error") if isinstance(value, dict) else None
    if not error or (isinstance(error, str) and not error.strip()):
        return ""
    if error in (True, 1) and isinstance(value, dict):
        error = value.get("message") or value.get("msg") or error
    if isinstance(error, dict):
        error = error.get("message") or error
    return _values.text(error) or _values.raw(error)


def placed(value: Json) -> Placed:
    """Parse the answer to `add`."""
    for fields in _layers(value):
        order = _id(fields, _ORDER)
        if order is not None:
            return Placed(order)
    raise NotUnderstood


def balance(value: Json) -> Balance:
    """Parse the answer to `balance`: an object, nested or not, or the bare amount."""
    layers = _layers(value)
    for fields in layers:
        amount = _values.amount(fields.get("balance"))
        if amount is not None:
            currencies = (layer["currency"] for layer in (fields, *layers) if layer.get("currency"))
            return Balance(amount, _values.text(next(currencies, "")) or _values.currency(fields["balance"]))
    bare = next((value[name] for name in _WRAPPERS if name in value), None) if isinstance(value, dict) else value
    amount = _values.amount(bare)
    if amount is None:
        raise NotUnderstood
    return Balance(amount, _values.currency(bare))


def services(value: Json) -> list[Service]:
    """Parse the answer to `services`: an array, an array within an object, or an object by id."""
    for _ in range(3):
        if isinstance(value, dict):
            value = next((value[name] for name in ("services", *_WRAPPERS) if name in value), value)
    if isinstance(value, list):
        entries: list[tuple[Json, Json]] = [(None, fields) for fields in value]
    elif isinstance(value, dict):
        entries = list(value.items())
    else:
        raise NotUnderstood
    services = [service for id_, fields in entries if isinstance(fields, dict) and (service := _service(id_, fields))]
    if entries and not services:
        raise NotUnderstood
    return services


def _service(id_: Json, fields: Object) -> Service | None:
    service = _id(fields, _SERVICE) or _values.id_(id_)
    if service is None:
        return None  # a service without an id can't be ordered
    rate = _values.amount(fields.get("rate"))
    return Service(
        service=service,
        name=_values.text(fields.get("name")),
        type=_values.text(fields.get("type")) or "Default",
        category=_values.text(fields.get("category")),
        rate=_values.amount(fields.get("price")) if rate is None else rate,
        min=_values.whole(fields.get("min")),
        max=_values.whole(fields.get("max")),
        refill=_values.flag(fields.get("refill")),
        cancel=_values.flag(fields.get("cancel")),
        dripfeed=_values.flag(fields.get("dripfeed")),
        description=_values.text(fields.get("description")),
        average_time=_values.text(fields.get("average_time")),
    )


def standing(value: Json, order: str) -> Standing:
    """Parse the answer to `status` of one order. Some panels answer with an object by id, as for many orders."""
    for fields in _layers(value):
        if "status" in fields and not isinstance(fields["status"], dict | list):
            standing = _standing(fields)
            if standing.status or standing.charge is not None or standing.remains is not None:
                return standing
        by_id = fields.get(order)
        if isinstance(by_id, dict) and not error(by_id):
            return _standing(by_id)
    raise NotUnderstood


def standings(value: Json, orders: Sequence[Id]) -> dict[Id, StandingOf]:
    """Parse the answer to `status` of many orders: an object by id, or an array."""
    return _parse_each(value, orders, _ORDER, _standing)


def listed(value: Json) -> list[ListedOrder]:
    """Parse the answer to `orders`, Tradepost's list of the newest orders."""
    if isinstance(value, dict):
        value = next((value[name] for name in ("orders", *_WRAPPERS) if name in value), value)
    if not isinstance(value, list):
        raise NotUnderstood
    return [_listed(fields) for fields in value]


def _listed(fields: Json) -> ListedOrder:
    order = _id(fields, _ORDER) if isinstance(fields, dict) else None
    if order is None or not isinstance(fields, dict):
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
    for fields in _layers(value[0] if isinstance(value, list) and len(value) == 1 else value):
        refill = _id(fields, _REFILL[:2])
        if refill is not None:
            return Refill(refill)
    raise NotUnderstood


def refills(value: Json, orders: Sequence[Id]) -> dict[Id, RefillOf]:
    """Parse the answer to `refill` of many orders."""
    return _parse_each(value, orders, _ORDER, refill, "refill")


def refill_standing(value: Json) -> RefillStanding:
    """Parse the answer to `refill_status` of one refill."""
    for fields in _layers(value[0] if isinstance(value, list) and len(value) == 1 else value):
        written = _values.text(fields.get("status"))
        if written:
            return RefillStanding(_statuses.refill_status(written), written)
    raise NotUnderstood


def refill_standings(value: Json, refills: Sequence[Id]) -> dict[Id, RefillStandingOf]:
    """Parse the answer to `refill_status` of many refills."""
    return _parse_each(value, refills, _REFILL, refill_standing, "status")


def cancels(value: Json, orders: Sequence[Id]) -> dict[Id, CancelOf]:
    """Parse the answer to `cancel`."""
    return _parse_each(value, orders, _ORDER, _cancel, "cancel")


def _cancel(fields: Object) -> CancelAccepted:
    answer = fields.get("cancel", fields.get("status"))
    if not _values.flag(answer) and _values.text(answer).lower() not in {"success", "canceled", "cancelled"}:
        raise NotUnderstood
    return CancelAccepted()


def _standing(fields: Object) -> Standing:
    written = _values.text(fields.get("status"))
    if not written:
        raise NotUnderstood
    orders = fields.get("orders")
    return Standing(
        status=_statuses.status(written),
        raw_status=written,
        charge=_values.amount(fields.get("charge")),
        start_count=_values.whole(fields.get("start_count")),
        remains=_values.whole(fields.get("remains")),
        currency=_values.text(fields.get("currency")),
        runs=_values.whole(fields.get("runs")),
        posts=_values.whole(fields.get("posts")),
        expiry=_values.text(fields.get("expiry")),
        orders=tuple(id_ for order in orders if (id_ := _values.id_(order))) if isinstance(orders, list) else (),
    )


def _parse_each[R](
    value: Json, ids: Sequence[Id], names: Sequence[str], parse: Callable[[Object], R], field: str = ""
) -> dict[Id, R | Declined | Unreadable]:
    """Parse an answer about many ids: an object by id, an array, or the bare answer if there is a single id.

    An entry's error may be in the entry itself or in its `field`. Raises `NotUnderstood` if every id is unreadable.
    """
    entries = _entries(value, names)
    if len(ids) == 1 and str(ids[0]) not in entries and isinstance(value, dict) and not error(value):
        entries = {str(ids[0]): value}
    results = {id_: _parse_entry(entries.get(str(id_).strip()), parse, field) for id_ in ids}
    if all(isinstance(result, Unreadable) for result in results.values()):
        raise NotUnderstood
    return results


def _parse_entry[R](entry: Json, parse: Callable[[Object], R], field: str) -> R | Declined | Unreadable:
    if isinstance(entry, dict):
        declined = error(entry) or error(entry.get(field))
        if declined:
            return Declined(declined)
    try:
        return parse(entry if isinstance(entry, dict) else {field: entry})
    except NotUnderstood:
        return Unreadable("" if entry is None else _values.raw(entry))


def _entries(value: Json, names: Sequence[str]) -> Mapping[str, Json]:
    """Return the entry about each id, by the id's text."""
    if isinstance(value, dict):
        wrapped = next(
            (value[name] for name in ("orders", *_WRAPPERS) if isinstance(value.get(name), dict | list)), None
        )
        value = value if wrapped is None else wrapped
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {}
    by_id = ((_id_text(entry, names), entry) for entry in value if isinstance(entry, dict))
    return {id_: entry for id_, entry in by_id if id_}


def _id_text(fields: Object, names: Sequence[str]) -> str:
    """Return the id of an entry as text, to compare with the caller's. `_id` would drop a malformed one."""
    return next((id_ for name in names if (id_ := _values.text(fields.get(name)))), "")


def _layers(value: Json) -> list[Object]:
    """Return an object, then the objects that it wraps in `data`, `result` or `response`."""
    if not isinstance(value, dict):
        return []
    return [value, *(inner for name in _WRAPPERS if isinstance(inner := value.get(name), dict))]


def _id(fields: Object, names: Sequence[str]) -> Id | None:
    return next((id_ for name in names if (id_ := _values.id_(fields.get(name))) is not None), None)
