"""Every action as a call: what to send, how to read the answer, and whether it may be made twice (docs/protocol.md §1, §3)."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import batched

import msgspec

from tradepost_client import _answers
from tradepost_client._json import Json
from tradepost_client._orders import Order
from tradepost_client._results import (
    Balance,
    CancelOf,
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
)

IDS_MAX = 100
IDEMPOTENCY_KEY_CHARS_MAX = 255


class Call[T](msgspec.Struct, frozen=True):
    """A call to a panel. `reads` says that it does nothing, so that making it twice does no harm."""

    action: str
    parameters: Mapping[str, str]
    read: Callable[[Json], T]
    reads: bool = True


def services() -> Call[list[Service]]:
    """Ask what is on sale."""
    return Call("services", {}, _answers.services)


def balance() -> Call[Balance]:
    """Ask what is left."""
    return Call("balance", {}, _answers.balance)


def add(order: Order, idempotency_key: str | None) -> Call[Placed]:
    """Order. Raises `ValueError` for an idempotency key that is empty or longer than any panel takes."""
    if idempotency_key is not None and not 0 < len(idempotency_key) <= IDEMPOTENCY_KEY_CHARS_MAX:
        raise ValueError(f"an idempotency key has 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters")
    named = {} if idempotency_key is None else {"idempotency_key": idempotency_key}
    return Call("add", {**order.parameters(), **named}, _answers.placed, reads=False)


def status(order: Id) -> Call[Standing]:
    """Ask how an order stands."""
    return Call("status", {"order": _one(order)}, partial(_answers.standing, order=_one(order)))


def statuses(orders: Iterable[Id]) -> Call[dict[Id, StandingOf]]:
    """Ask how up to 100 orders stand."""
    ids = _many(orders)
    return Call("status", {"orders": _list(ids)}, partial(_answers.standings, orders=ids))


def refill(order: Id) -> Call[Refill]:
    """Ask for a refill."""
    return Call("refill", {"order": _one(order)}, _answers.refill, reads=False)


def refills(orders: Iterable[Id]) -> Call[dict[Id, RefillOf]]:
    """Ask for refills of up to 100 orders."""
    ids = _many(orders)
    return Call("refill", {"orders": _list(ids)}, partial(_answers.refills, orders=ids), reads=False)


def refill_status(refill: Id | None, order: Id | None) -> Call[RefillStanding]:
    """Ask how a refill stands, by its id, or by its order's."""
    if (refill is None) == (order is None):
        raise ValueError("a refill is named by its id or by its order's")
    named = {"order": _one(order)} if refill is None and order is not None else {"refill": _one(refill)}
    return Call("refill_status", named, _answers.refill_standing)


def refill_statuses(refills: Iterable[Id]) -> Call[dict[Id, RefillStandingOf]]:
    """Ask how up to 100 refills stand."""
    ids = _many(refills)
    return Call("refill_status", {"refills": _list(ids)}, partial(_answers.refill_standings, refills=ids))


def cancel(orders: Iterable[Id]) -> Call[dict[Id, CancelOf]]:
    """Ask to cancel up to 100 orders."""
    ids = _many(orders)
    return Call("cancel", {"orders": _list(ids)}, partial(_answers.cancels, orders=ids), reads=False)


def orders(limit: int, before: Id | None) -> Call[list[ListedOrder]]:
    """Ask for the newest orders (an extension of Tradepost)."""
    below = {} if before is None else {"before": _one(before)}
    return Call("orders", {"limit": str(limit), **below}, _answers.listed)


def in_batches(orders: Iterable[Id]) -> Iterable[tuple[Id, ...]]:
    """Cut any number of ids into as many as one call takes, lazily."""
    return batched(orders, IDS_MAX)


def _one(id_: Id | None) -> str:
    written = str(id_).strip()
    if id_ is None or not written or "," in written:
        raise ValueError(f"{id_!r} is no id")
    return written


def _many(ids: Iterable[Id]) -> list[Id]:
    asked = list(dict.fromkeys(ids))
    if not 1 <= len(asked) <= IDS_MAX:
        raise ValueError(f"a call takes 1 to {IDS_MAX} ids, not {len(asked)}")
    return asked


def _list(ids: list[Id]) -> str:
    return ",".join(_one(id_) for id_ in ids)
