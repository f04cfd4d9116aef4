"""From a panel's JSON to results, action by action (docs/protocol.md §2 and §5).

Each function raises `NotUnderstood`, and nothing else, where the JSON is not the answer to what was asked.
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


class NotUnderstood(Exception):  # noqa: N818 - not an error yet: the caller knows what it means
    """The JSON is not the answer to what was asked."""


def error(value: Json) -> str:
    """Return the error that an answer carries; nothing if it carries none, or an empty one."""
    told = value.get("error") if isinstance(value, dict) else None
    if not told or (isinstance(told, str) and not told.strip()):
        return ""
    if told in (True, 1) and isinstance(value, dict):
        told = value.get("message") or value.get("msg") or told
    if isinstance(told, dict):
        told = told.get("message") or told
    return _values.text(told) or _values.raw(told)


def placed(value: Json) -> Placed:
    """Read the answer to `add`."""
    for fields in _layers(value):
        order = _id(fields, _ORDER)
        if order is not None:
            return Placed(order)
    raise NotUnderstood


def balance(value: Json) -> Balance:
    """Read the answer to `balance`: an object, nested or not, or the bare amount."""
    layers = _layers(value)
    for fields in layers:
        found = _values.amount(fields.get("balance"))
        if found is not None:
            told = next((_values.text(each["currency"]) for each in (fields, *layers) if each.get("currency")), "")
            return Balance(found, told or _values.currency(fields["balance"]))
    bare = next((value[each] for each in _WRAPPERS if each in value), None) if isinstance(value, dict) else value
    found = _values.amount(bare)
    if found is None:
        raise NotUnderstood
    return Balance(found, _values.currency(bare))


def services(value: Json) -> list[Service]:
    """Read the answer to `services`: an array, an array within an object, or an object by id."""
    for _ in range(3):
        if isinstance(value, dict):
            value = next((value[each] for each in ("services", *_WRAPPERS) if each in value), value)
    if isinstance(value, list):
        entries: list[tuple[Json, Json]] = [(None, each) for each in value]
    elif isinstance(value, dict):
        entries = list(value.items())
    else:
        raise NotUnderstood
    found = [service for id_, fields in entries if isinstance(fields, dict) and (service := _service(id_, fields))]
    if entries and not found:
        raise NotUnderstood
    return found


def _service(id_: Json, fields: Object) -> Service | None:
    service = _id(fields, _SERVICE) or _values.id_(id_)
    if service is None:
        return None  # nobody could order it
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
    """Read the answer to `status` of one order; some panels answer as if many had been asked about."""
    for fields in _layers(value):
        if "status" in fields and not isinstance(fields["status"], dict | list):
            found = _standing(fields)
            if found.status or found.charge is not None or found.remains is not None:
                return found
        of_it = fields.get(order)
        if isinstance(of_it, dict) and not error(of_it):
            return _standing(of_it)
    raise NotUnderstood


def standings(value: Json, orders: Sequence[Id]) -> dict[Id, StandingOf]:
    """Read the answer to `status` of many orders: an object by id, or an array."""
    return _of_each(value, orders, _ORDER, _standing)


def listed(value: Json) -> list[ListedOrder]:
    """Read the answer to `orders`, a Tradepost's list of the newest ones."""
    if isinstance(value, dict):
        value = next((value[each] for each in ("orders", *_WRAPPERS) if each in value), value)
    if not isinstance(value, list):
        raise NotUnderstood
    return [_listed(each) for each in value]


def _listed(fields: Json) -> ListedOrder:
    order = _id(fields, _ORDER) if isinstance(fields, dict) else None
    if order is None or not isinstance(fields, dict):
        raise NotUnderstood  # a list with a gap would be taken as proof that an order is not there
    return ListedOrder(
        order=order,
        service=_values.id_(fields.get("service")),
        link=_values.text(fields.get("link")),
        quantity=_values.whole(fields.get("quantity")),
        created=_values.text(fields.get("created")),
        standing=_standing(fields),
    )


def refill(value: Json) -> Refill:
    """Read the answer to `refill` of one order."""
    for fields in _layers(value[0] if isinstance(value, list) and len(value) == 1 else value):
        found = _id(fields, _REFILL[:2])
        if found is not None:
            return Refill(found)
    raise NotUnderstood


def refills(value: Json, orders: Sequence[Id]) -> dict[Id, RefillOf]:
    """Read the answer to `refill` of many orders."""
    return _of_each(value, orders, _ORDER, refill, "refill")


def refill_standing(value: Json) -> RefillStanding:
    """Read the answer to `refill_status` of one refill."""
    for fields in _layers(value[0] if isinstance(value, list) and len(value) == 1 else value):
        written = _values.text(fields.get("status"))
        if written:
            return RefillStanding(_statuses.refill_status(written), written)
    raise NotUnderstood


def refill_standings(value: Json, refills: Sequence[Id]) -> dict[Id, RefillStandingOf]:
    """Read the answer to `refill_status` of many refills."""
    return _of_each(value, refills, _REFILL, refill_standing, "status")


def cancels(value: Json, orders: Sequence[Id]) -> dict[Id, CancelOf]:
    """Read the answer to `cancel`."""
    return _of_each(value, orders, _ORDER, _cancel, "cancel")


def _cancel(fields: Object) -> CancelAccepted:
    told = fields.get("cancel", fields.get("status"))
    if not _values.flag(told) and _values.text(told).lower() not in {"success", "canceled", "cancelled"}:
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
        orders=tuple(id_ for each in orders if (id_ := _values.id_(each))) if isinstance(orders, list) else (),
    )


def _of_each[R](
    value: Json, ids: Sequence[Id], names: Sequence[str], read: Callable[[Object], R], answer: str = ""
) -> dict[Id, R | Declined | Unreadable]:
    """Read one answer for each id, whichever way they are put; `answer` is the field an error may stand in.

    Raises `NotUnderstood` if not one of the ids is found.
    """
    entries = _entries(value, names)
    if len(ids) == 1 and str(ids[0]) not in entries and isinstance(value, dict):
        entries = {str(ids[0]): value}
    found = {id_: _of_one(entries.get(str(id_).strip()), read, answer) for id_ in ids}
    if all(isinstance(each, Unreadable) for each in found.values()):
        raise NotUnderstood
    return found


def _of_one[R](entry: Json, read: Callable[[Object], R], answer: str) -> R | Declined | Unreadable:
    if isinstance(entry, dict):
        declined = error(entry) or error(entry.get(answer))
        if declined:
            return Declined(declined)
    try:
        return read(entry if isinstance(entry, dict) else {answer: entry})
    except NotUnderstood:
        return Unreadable("" if entry is None else _values.raw(entry))


def _entries(value: Json, names: Sequence[str]) -> Mapping[str, Json]:
    """Return what is told of each id, by its text."""
    if isinstance(value, dict):
        wrapped = next(
            (value[each] for each in ("orders", *_WRAPPERS) if isinstance(value.get(each), dict | list)), None
        )
        value = value if wrapped is None else wrapped
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return {}
    named = ((_asked(each, names), each) for each in value if isinstance(each, dict))
    return {id_: each for id_, each in named if id_}


def _asked(fields: Object, names: Sequence[str]) -> str:
    """Return the id that an entry is about, as it was asked for: it need not be one that could exist."""
    return next((id_ for name in names if (id_ := _values.text(fields.get(name)))), "")


def _layers(value: Json) -> list[Object]:
    """Return an object and those it is wrapped around, outermost first."""
    if not isinstance(value, dict):
        return []
    return [value, *(inner for each in _WRAPPERS if isinstance(inner := value.get(each), dict))]


def _id(fields: Object, names: Sequence[str]) -> Id | None:
    return next((id_ for name in names if (id_ := _values.id_(fields.get(name))) is not None), None)
