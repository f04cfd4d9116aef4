"""API v2: from a request's parameters to its answer (protocol §1 to §4)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from time import monotonic_ns

import msgspec

from tradepost.api.coalesce import Lane
from tradepost.api.limits import Allowance, Limiter
from tradepost.engine import cancelling, money, placing, reading, refilling
from tradepost.engine.cancelling import CancelOf, Cancels
from tradepost.engine.catalog import Listing
from tradepost.engine.errors import IncorrectParameter, IncorrectRequest, Refusal
from tradepost.engine.identifying import note_used
from tradepost.engine.order_types import ID_MAX, whole, wire_id
from tradepost.engine.placing import Mode, Placed
from tradepost.engine.reading import BalanceOf, NewestOf, RefillsOf, RefillStanding, ServicesFor, Standing, StatusesOf
from tradepost.engine.refilling import RefillOf, Refills

IDS_MAX = 100
USED_KEYS_MAX = 10_000
NOTE_USED_SECONDS = 5

type Parameters = dict[str, str]

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True):
    """A request to the API, whatever dialect it came in.

    `key` is the digest: the key itself goes no further than here, so that no log can ever hold one.
    """

    key: bytes
    parameters: Parameters
    address: str | None = None
    takes_gzip: bool = False
    idempotency_header: str | None = None

    @property
    def idempotency_key(self) -> str | None:
        """What the client calls an order, by any of the names it may call it by."""
        named = self.parameters.get("idempotency_key") or self.parameters.get("request_id")
        return named or self.idempotency_header

    def ids(self, name: str) -> "Ids":
        """Read the ids of a parameter and of its plural; none if there are none, or more than 100."""
        plural = self.parameters.get(f"{name}s")
        sent = [id_ for part in (plural or self.parameters.get(name, "")).split(",") if (id_ := part.strip())]
        return Ids(sent if len(sent) <= IDS_MAX else [], many=plural is not None or len(sent) > 1)


class Ids(msgspec.Struct, frozen=True):
    """Ids as they were sent, and whether the answer is to be a list even for one."""

    sent: list[str]
    many: bool

    def __bool__(self) -> bool:
        return bool(self.sent)


class Answer(msgspec.Struct, frozen=True):
    """What goes back: JSON, always with status 200."""

    body: bytes
    gzipped: bool = False


class Api:
    """Answers calls by way of lanes, each with a kind of work of its own. Start it inside the event loop.

    `requests_a_minute` is the limit of keys that have none of their own; 0: they are not limited.
    """

    def __init__(self, conninfo: str, currency: str, *, requests_a_minute: int) -> None:
        self._writer: Lane[placing.Request, Placed | Refusal] = Lane(
            "writer", conninfo, partial(placing.place, mode=Mode.API)
        )
        self._reader: Lane[reading.Request, reading.Answer] = Lane("reader", conninfo, reading.read)
        # Apart from the writer: these lock orders, then accounts, and a transaction that placed orders holds accounts.
        self._refiller: Lane[RefillOf, Refills | Refusal] = Lane("refiller", conninfo, refilling.refill)
        self._canceler: Lane[CancelOf, Cancels | Refusal] = Lane(
            "canceler", conninfo, partial(cancelling.cancel, actor=Mode.API.value)
        )
        self._keeper: Lane[bytes, int | None] = Lane("keeper", conninfo, note_used)
        self._lanes = (self._writer, self._reader, self._refiller, self._canceler, self._keeper)
        self._used: set[bytes] = set()  # the keys seen since they were last written down
        self._limiter = Limiter(requests_a_minute)
        self._currency = currency
        self._actions: dict[str, Callable[[Call], Awaitable[Answer]]] = {
            "add": self._add,
            "balance": self._balance,
            "cancel": self._cancel,
            "orders": self._orders,
            "refill": self._refill,
            "refill_status": self._refill_status,
            "services": self._services,
            "status": self._status,
        }

    def start(self) -> None:
        """Begin to answer."""
        for lane in self._lanes:
            lane.start()
        self._note_used()

    def stop(self) -> None:
        """Answer what has been taken in, then end."""
        for lane in self._lanes:
            lane.stop()

    def admit(self, key: bytes) -> Allowance | None:
        """Count a request of this key before it is answered; see `Limiter.take`. One refused reaches no lane."""
        if len(self._used) < USED_KEYS_MAX:
            self._used.add(key)
        return self._limiter.take(key, monotonic_ns())

    def answer(self, call: Call) -> Awaitable[Answer]:
        """Answer one call. Raises `Unavailable` when the database can't be asked."""
        return self._actions.get(call.parameters.get("action", ""), self._incorrect)(call)

    def _note_used(self) -> None:
        """Write down which keys are in use and learn their limits, and do so again in a while.

        What is lost in between is a time, no more.
        """
        for key in self._used:
            self._keeper.ask(key).add_done_callback(partial(self._learn_limit, key))
        self._used = set()
        asyncio.get_running_loop().call_later(NOTE_USED_SECONDS, self._note_used)

    def _learn_limit(self, key: bytes, noted: asyncio.Future[int | None]) -> None:
        if not noted.exception():  # else it stays as it was until the next time
            self._limiter.set_limit(key, noted.result())

    async def _add(self, call: Call) -> Answer:
        placed = await self._writer.ask(placing.Request(call.key, call.parameters, call.address, call.idempotency_key))
        if isinstance(placed, Refusal):
            return _error(placed)
        return Answer(b'{"order":%d}' % placed.order)

    async def _balance(self, call: Call) -> Answer:
        balance = await self._reader.ask(BalanceOf(by=call.key, address=call.address))
        if isinstance(balance, Refusal):
            return _error(balance)
        assert isinstance(balance, Decimal)
        return Answer(_encode({"balance": money.show(balance), "currency": self._currency}))

    async def _services(self, call: Call) -> Answer:
        listing = await self._reader.ask(ServicesFor(by=call.key, address=call.address))
        if isinstance(listing, Refusal):
            return _error(listing)
        assert isinstance(listing, Listing)
        return Answer(listing.gzipped, gzipped=True) if call.takes_gzip else Answer(listing.plain)

    async def _status(self, call: Call) -> Answer:
        ids = call.ids("order")
        if not ids:
            return await self._incorrect(call)
        standings = await self._reader.ask(StatusesOf(by=call.key, orders=ids.sent, address=call.address))
        if isinstance(standings, Refusal):
            return _error(standings)
        assert isinstance(standings, dict)
        shown = {id_: self._show(standing) for id_, standing in standings.items()}
        return Answer(_encode(shown if ids.many else shown[ids.sent[0]]))

    async def _orders(self, call: Call) -> Answer:
        limit = whole(call.parameters.get("limit", str(IDS_MAX)))
        before = wire_id(call.parameters.get("before", str(ID_MAX)))
        if limit is None or not 1 <= limit <= IDS_MAX:
            return await self._incorrect(call, IncorrectParameter("limit"))
        if before is None:
            return await self._incorrect(call, IncorrectParameter("before"))
        orders = await self._reader.ask(NewestOf(by=call.key, address=call.address, limit=limit, before=before))
        return _error(orders) if isinstance(orders, Refusal) else Answer(_encode(orders))

    async def _refill(self, call: Call) -> Answer:
        ids = call.ids("order")
        if not ids:
            return await self._incorrect(call)
        refills = await self._refiller.ask(RefillOf(by=call.key, orders=ids.sent, address=call.address))
        if isinstance(refills, Refusal):
            return _error(refills)
        if ids.many:
            return _by_order("refill", ids.sent, refills)
        only = refills[0]
        return _error(only) if isinstance(only, Refusal) else Answer(_encode({"refill": str(only)}))

    async def _refill_status(self, call: Call) -> Answer:
        ids, by_order = call.ids("refill"), False
        if not ids:
            ids, by_order = call.ids("order"), True
        if not ids:
            return await self._incorrect(call)
        asked = RefillsOf(by=call.key, ids=ids.sent, by_order=by_order, address=call.address)
        found = await self._reader.ask(asked)
        if isinstance(found, Refusal):
            return _error(found)
        assert isinstance(found, list)
        shown = [_show_refill(*pair, by_order=by_order) for pair in zip(ids.sent, found, strict=True)]
        if ids.many:
            return Answer(_encode(shown))
        status = shown[0]["status"]
        return Answer(_encode(status if isinstance(status, dict) else {"status": status}))

    async def _cancel(self, call: Call) -> Answer:
        ids = call.ids("order")
        if not ids:
            return await self._incorrect(call)
        cancels = await self._canceler.ask(CancelOf(by=call.key, orders=ids.sent, address=call.address))
        if isinstance(cancels, Refusal):
            return _error(cancels)
        return _by_order("cancel", ids.sent, cancels)

    def _show(self, standing: object) -> dict[str, object]:
        if not isinstance(standing, Standing):
            return {"error": str(standing)}
        shown: dict[str, object] = {
            "charge": standing.charge,
            "start_count": standing.start_count,
            "status": standing.status,
            "remains": standing.remains,
            "currency": self._currency,
        }
        if made := standing.made:
            count = str(len(made.orders))
            more = {"runs": count} if made.is_dripfeed else {"posts": count, "expiry": made.expiry}
            shown |= {**more, "orders": made.orders}
        return shown

    async def _incorrect(self, call: Call, refusal: Refusal | None = None) -> Answer:
        """Refuse a request that makes no sense, but not before its key: that is checked first (protocol §4)."""
        known = await self._reader.ask(BalanceOf(by=call.key, address=call.address))
        return _error(known if isinstance(known, Refusal) else refusal or IncorrectRequest())


def _number(sent: str) -> int | str:
    """Return an id as the number that lists of answers have; what is none goes back as it was sent."""
    number = whole(sent)
    return sent if number is None else number


def _by_order(name: str, sent: Sequence[str], answers: Sequence[int | Refusal]) -> Answer:
    """Return the array that has an answer, under its action's name, for each order."""
    pairs = zip(sent, answers, strict=True)
    shown = [(order, {"error": each.text} if isinstance(each, Refusal) else each) for order, each in pairs]
    return Answer(_encode([{"order": _number(order), name: each} for order, each in shown]))


def _show_refill(sent: str, found: object, *, by_order: bool) -> dict[str, object]:
    named: dict[str, object] = {"order" if by_order else "refill": _number(sent)}
    if not isinstance(found, RefillStanding):
        return {**named, "status": {"error": str(found)}}
    return {**named, "refill": found.refill, "status": found.status}


def _error(refusal: Refusal) -> Answer:
    return Answer(_encode({"error": refusal.text}))
