"""API v2: turns a request's parameters into its answer (docs/protocol.md §1 to §4)."""

import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Protocol, cast

import msgspec

from tradepost.api.admission import Admission
from tradepost.api.group_commit import DatabaseUnavailableError, Done, Lane
from tradepost.engine import cancelling, keys, money, placing, refilling
from tradepost.engine.actions import Action
from tradepost.engine.cancelling import CancelOf, Cancels
from tradepost.engine.catalog import ServiceListing
from tradepost.engine.errors import BodyNotUnderstood, IncorrectParameter, IncorrectRequest, Refusal
from tradepost.engine.order_types import ID_MAX, whole, wire_id
from tradepost.engine.placing import Mode, Placed
from tradepost.engine.queries import (
    BalanceOf,
    ListedOrder,
    NewestOrdersOf,
    OrderStanding,
    OrderStandings,
    Query,
    RefillsOf,
    RefillStanding,
    RefillStandings,
    ServicesFor,
    StatusesOf,
    answer_queries,
)
from tradepost.engine.refilling import RefillOf, Refills
from tradepost.engine.site_settings import cached_settings

IDS_MAX = 100

type Parameters = dict[str, str]

logger = logging.getLogger(__name__)

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True):
    """A request to the API, the same for every format that clients send.

    `key` is the digest of the API key. The key itself is not kept, so that no log can ever contain it. A call that
    is not understood has no parameters.
    """

    key: bytes
    parameters: Parameters
    address: str | None = None
    takes_gzip: bool = False
    idempotency_header: str | None = None
    is_understood: bool = True

    @property
    def idempotency_key(self) -> str | None:
        """The idempotency key: a parameter (`idempotency_key` or its alias `request_id`), else the header."""
        named = self.parameters.get("idempotency_key") or self.parameters.get("request_id")
        return named or self.idempotency_header

    def ids(self, name: str) -> "Ids":
        """Return the ids in the plural of parameter `name`, else in `name`. Over `IDS_MAX` ids count as none."""
        plural = self.parameters.get(f"{name}s")
        sent = [id_ for part in (plural or self.parameters.get(name, "")).split(",") if (id_ := part.strip())]
        return Ids(sent if len(sent) <= IDS_MAX else [], many=plural is not None or len(sent) > 1)


class Ids(msgspec.Struct, frozen=True):
    """Ids as the client sent them. If `many`, the answer is for many orders or refills, even if there is one id."""

    sent: list[str]
    many: bool

    def __bool__(self) -> bool:
        return bool(self.sent)


class Answer(msgspec.Struct, frozen=True):
    """The JSON body of an answer. Its HTTP status is always 200."""

    body: bytes
    gzipped: bool = False


class Reader(Protocol):
    """A type for the reader lane: the type of an answer follows from its query."""

    def ask[A](self, query: Query[A], done: Done[A | Refusal], /) -> None: ...


class Api:
    """Sends each call to the lane for its kind of work, and encodes the answer. Start it inside the event loop.

    `requests_a_minute` is the default limit (see `Admission`). `currency` is used until the desk's settings have been
    read from the database.
    """

    def __init__(self, conninfo: str, currency: str, *, requests_a_minute: int) -> None:
        self._writer: Lane[placing.OrderRequest, Placed | Refusal] = Lane(
            "writer", conninfo, partial(placing.place, mode=Mode.API)
        )
        reader: Lane[Query[object], object] = Lane("reader", conninfo, answer_queries, reads_only=True)
        self._reader = cast("Reader", reader)  # each answer goes to the `done` of its own query
        # Refills and cancels don't share the writer's lane: they lock orders before accounts, and a transaction that
        # has placed orders already holds account locks.
        self._refiller: Lane[RefillOf, Refills | Refusal] = Lane("refiller", conninfo, refilling.refill)
        self._canceler: Lane[CancelOf, Cancels | Refusal] = Lane(
            "canceler", conninfo, partial(cancelling.cancel, actor=Mode.API.value)
        )
        self.admission = Admission(conninfo, requests_a_minute=requests_a_minute)
        self._lanes = (self._writer, reader, self._refiller, self._canceler, self.admission)
        self._first_currency = currency
        # Plain strings as keys: each call looks up a string, and that is faster than with enum members as keys.
        self._actions: dict[str, Callable[[Call, Done[Answer]], None]] = {
            Action.ADD.value: self._add,
            Action.BALANCE.value: self._balance,
            Action.CANCEL.value: self._cancel,
            Action.ORDERS.value: self._orders,
            Action.REFILL.value: self._refill,
            Action.REFILL_STATUS.value: self._refill_status,
            Action.SERVICES.value: self._services,
            Action.STATUS.value: self._status,
        }

    def start(self) -> None:
        for lane in self._lanes:
            lane.start()

    def stop(self) -> None:
        """Finish the batches that run, then end all lanes (`Lane.stop`)."""
        for lane in self._lanes:
            lane.stop()

    def try_database(self, done: Callable[[bool], None]) -> None:
        """Call `done` with whether the API reads from the database, over the connection that customers' calls use."""

        def answered(answer: object) -> None:
            done(not isinstance(answer, DatabaseUnavailableError))

        self._reader.ask(BalanceOf(by=keys.digest("")), answered)  # nobody's key: any answer will do

    @property
    def _currency(self) -> str:
        settings = cached_settings()
        return settings.currency if settings else self._first_currency

    def answer(self, call: Call, done: Done[Answer]) -> None:
        """Call `done` with the answer, or with a `DatabaseUnavailableError` if there is none (see `Lane.ask`)."""
        self._actions.get(call.parameters.get("action", ""), self._incorrect)(call, done)

    def _add(self, call: Call, done: Done[Answer]) -> None:
        order = placing.OrderRequest(call.key, call.parameters, call.address, call.idempotency_key)
        self._writer.ask(order, partial(_pass_on, done, _placed))

    def _balance(self, call: Call, done: Done[Answer]) -> None:
        def show(balance: Decimal) -> Answer:
            return Answer(_encode({"balance": money.show(balance), "currency": self._currency}))

        self._reader.ask(BalanceOf(by=call.key, address=call.address), partial(_pass_on, done, show))

    def _services(self, call: Call, done: Done[Answer]) -> None:
        show = _listing_gzipped if call.takes_gzip else _listing
        self._reader.ask(ServicesFor(by=call.key, address=call.address), partial(_pass_on, done, show))

    def _status(self, call: Call, done: Done[Answer]) -> None:
        ids = call.ids("order")
        if not ids:
            self._incorrect(call, done)
            return

        def show(standings: OrderStandings) -> Answer:
            shown = {id_: _order_standing(standing) for id_, standing in standings.items()}
            return Answer(_encode(shown if ids.many else shown[ids.sent[0]]))

        query = StatusesOf(by=call.key, orders=ids.sent, address=call.address)
        self._reader.ask(query, partial(_pass_on, done, show))

    def _orders(self, call: Call, done: Done[Answer]) -> None:
        limit = whole(call.parameters.get("limit", str(IDS_MAX)))
        before = wire_id(call.parameters.get("before", str(ID_MAX)))
        if limit is None or not 1 <= limit <= IDS_MAX:
            self._incorrect(call, done, IncorrectParameter("limit"))
        elif before is None:
            self._incorrect(call, done, IncorrectParameter("before"))
        else:
            query = NewestOrdersOf(by=call.key, address=call.address, limit=limit, before=before)
            self._reader.ask(query, partial(_pass_on, done, _order_list))

    def _refill(self, call: Call, done: Done[Answer]) -> None:
        ids = call.ids("order")
        if not ids:
            self._incorrect(call, done)
            return

        def show(refills: Refills) -> Answer:
            if ids.many:
                return _by_order("refill", ids.sent, refills)
            only = refills[0]
            return _error(only) if isinstance(only, Refusal) else Answer(_encode({"refill": str(only)}))

        request = RefillOf(by=call.key, orders=ids.sent, address=call.address)
        self._refiller.ask(request, partial(_pass_on, done, show))

    def _refill_status(self, call: Call, done: Done[Answer]) -> None:
        ids, by_order = call.ids("refill"), False
        if not ids:
            ids, by_order = call.ids("order"), True
        if not ids:
            self._incorrect(call, done)
            return

        def show(standings: RefillStandings) -> Answer:
            shown = [_refill_standing(*pair, by_order=by_order) for pair in zip(ids.sent, standings, strict=True)]
            if ids.many:
                return Answer(_encode(shown))
            status = shown[0]["status"]
            return Answer(_encode(status if isinstance(status, dict) else {"status": status}))

        query = RefillsOf(by=call.key, ids=ids.sent, by_order=by_order, address=call.address)
        self._reader.ask(query, partial(_pass_on, done, show))

    def _cancel(self, call: Call, done: Done[Answer]) -> None:
        ids = call.ids("order")
        if not ids:
            self._incorrect(call, done)
            return
        request = CancelOf(by=call.key, orders=ids.sent, address=call.address)
        self._canceler.ask(request, partial(_pass_on, done, partial(_by_order, "cancel", ids.sent)))

    def _incorrect(self, call: Call, done: Done[Answer], refusal: Refusal | None = None) -> None:
        """Refuse an incorrect request. Its key is checked first, by a query for the balance (docs/protocol.md §4).

        If the body was not understood, the key may be in it, and there is none to check.
        """
        if not call.is_understood:
            done(_error(BodyNotUnderstood()))
            return
        refused = _error(refusal or IncorrectRequest())
        self._reader.ask(BalanceOf(by=call.key, address=call.address), partial(_pass_on, done, lambda _: refused))


def _pass_on[A](
    done: Done[Answer], show: Callable[[A], Answer], result: A | Refusal | DatabaseUnavailableError
) -> None:
    """Encode the result of a lane and pass it to `done`. An error in `show` counts as no answer."""
    if isinstance(result, DatabaseUnavailableError):
        done(result)
        return
    try:
        answer = _error(result) if isinstance(result, Refusal) else show(result)
    except Exception:
        logger.exception("An answer can't be shown")
        done(DatabaseUnavailableError("the answer can't be shown"))
        return
    done(answer)


def _placed(placed: Placed) -> Answer:
    return Answer(b'{"order":%d}' % placed.order)


def _listing(listing: ServiceListing) -> Answer:
    return Answer(listing.plain)


def _listing_gzipped(listing: ServiceListing) -> Answer:
    return Answer(listing.gzipped, gzipped=True)


def _order_standing(standing: OrderStanding | Refusal) -> OrderStanding | dict[str, str]:
    return standing if isinstance(standing, OrderStanding) else {"error": str(standing)}


def _order_list(orders: list[ListedOrder]) -> Answer:
    return Answer(_encode(orders))


def _number(sent: str) -> int | str:
    """Return an id as a number, for lists of answers. If the id is not a number, return it as the client sent it."""
    number = whole(sent)
    return sent if number is None else number


def _by_order(name: str, sent: Sequence[str], answers: Sequence[int | Refusal]) -> Answer:
    """Return a list with one entry for each order. `name` is the field that holds the answer."""
    pairs = zip(sent, answers, strict=True)
    shown = [(order, {"error": answer.text} if isinstance(answer, Refusal) else answer) for order, answer in pairs]
    return Answer(_encode([{"order": _number(order), name: answer} for order, answer in shown]))


def _refill_standing(sent: str, standing: RefillStanding | Refusal, *, by_order: bool) -> dict[str, object]:
    entry: dict[str, object] = {"order" if by_order else "refill": _number(sent)}
    if not isinstance(standing, RefillStanding):
        return {**entry, "status": {"error": str(standing)}}
    return {**entry, "refill": standing.refill, "status": standing.status}


def _error(refusal: Refusal) -> Answer:
    return Answer(_encode({"error": refusal.text}))
