"""Every action as a `Call`: its parameters, the parser of its answer, and whether it only reads.

The rules are those of docs/protocol.md §1 and §3. Each function raises `ValueError` for ids or keys that can't be sent.
"""

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
    """A call to a panel. A call that `only_reads` changes nothing, so it does no harm to make it twice."""

    action: str
    parameters: Mapping[str, str]
    parse: Callable[[Json], T]
    only_reads: bool = True


def services() -> Call[list[Service]]:
    return Call("services", {}, _answers.services)


def balance() -> Call[Balance]:
    return Call("balance", {}, _answers.balance)


def add(order: Order, idempotency_key: str | None) -> Call[Placed]:
    """Place an order. An idempotency key has 1 to `IDEMPOTENCY_KEY_CHARS_MAX` characters."""
    if idempotency_key is not None and not 0 < len(idempotency_key) <= IDEMPOTENCY_KEY_CHARS_MAX:
        raise ValueError(f"an idempotency key has 1 to {IDEMPOTENCY_KEY_CHARS_MAX} characters")
    extra = {} if idempotency_key is None else {"idempotency_key": idempotency_key}
    return Call("add", {**order.parameters(), **extra}, _answers.placed, only_reads=False)


def status(order: Id) -> Call[Standing]:
    return Call("status", {"order": _id_text(order)}, partial(_answers.standing, order=_id_text(order)))


def statuses(orders: Iterable[Id]) -> Call[dict[Id, StandingOf]]:
    ids = _unique_ids(orders)
    return Call("status", {"orders": _join_ids(ids)}, partial(_answers.standings, orders=ids))


def refill(order: Id) -> Call[Refill]:
    return Call("refill", {"order": _id_text(order)}, _answers.refill, only_reads=False)


def refills(orders: Iterable[Id]) -> Call[dict[Id, RefillOf]]:
    ids = _unique_ids(orders)
    return Call("refill", {"orders": _join_ids(ids)}, partial(_answers.refills, orders=ids), only_reads=False)


def refill_status(refill: Id | None, order: Id | None) -> Call[RefillStanding]:
    """Ask how a refill stands, by the refill's id or by the order's id."""
    if (refill is None) == (order is None):
        raise ValueError("a refill is named by its id or by its order's")
    named = {"order": _id_text(order)} if refill is None and order is not None else {"refill": _id_text(refill)}
    return Call("refill_status", named, _answers.refill_standing)


def refill_statuses(refills: Iterable[Id]) -> Call[dict[Id, RefillStandingOf]]:
    ids = _unique_ids(refills)
    return Call("refill_status", {"refills": _join_ids(ids)}, partial(_answers.refill_standings, refills=ids))


def cancel(orders: Iterable[Id]) -> Call[dict[Id, CancelOf]]:
    ids = _unique_ids(orders)
    return Call("cancel", {"orders": _join_ids(ids)}, partial(_answers.cancels, orders=ids), only_reads=False)


def cancel_one(order: Id) -> Call[dict[Id, CancelOf]]:
    parse = partial(_answers.cancels, orders=[order])
    return Call("cancel", {"order": _id_text(order)}, parse, only_reads=False)


def orders(limit: int, before: Id | None) -> Call[list[ListedOrder]]:
    """Ask for the newest orders (an extension of Tradepost)."""
    below = {} if before is None else {"before": _id_text(before)}
    return Call("orders", {"limit": str(limit), **below}, _answers.listed)


def in_batches(orders: Iterable[Id]) -> Iterable[tuple[Id, ...]]:
    """Split any number of ids, lazily, into batches that one call can take."""
    return batched(orders, IDS_MAX)


def _id_text(id_: Id | None) -> str:
    text = str(id_).strip()
    if id_ is None or not text or "," in text:
        raise ValueError(f"{id_!r} is no id")
    return text


def _unique_ids(ids: Iterable[Id]) -> list[Id]:
    unique = list(dict.fromkeys(ids))
    if not 1 <= len(unique) <= IDS_MAX:
        raise ValueError(f"a call takes 1 to {IDS_MAX} ids, not {len(unique)}")
    return unique


def _join_ids(ids: list[Id]) -> str:
    return ",".join(_id_text(id_) for id_ in ids)
