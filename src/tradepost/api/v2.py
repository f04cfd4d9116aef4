"""API v2: from a request's parameters to its answer (docs/protocol.md §1 to §4)."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from time import monotonic_ns

import msgspec

from tradepost.api.group_commit import DatabaseUnavailableError, Done, Lane
from tradepost.api.rate_limit import Allowance, Limiter
from tradepost.engine import cancelling, money, placing, queries, refilling, site_settings
from tradepost.engine.authentication import note_used
from tradepost.engine.cancelling import CancelOf, Cancels
from tradepost.engine.catalog import Listing
from tradepost.engine.errors import IncorrectParameter, IncorrectRequest, Refusal
from tradepost.engine.order_types import ID_MAX, whole, wire_id
from tradepost.engine.placing import Mode, Placed
from tradepost.engine.queries import BalanceOf, NewestOf, RefillsOf, RefillStanding, ServicesFor, Standing, StatusesOf
from tradepost.engine.refilling import RefillOf, Refills

IDS_MAX = 100
USED_KEYS_MAX = 10_000
NOTE_USED_SECONDS = 5

type Parameters = dict[str, str]

logger = logging.getLogger(__name__)

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

    `requests_a_minute` is the limit of keys that have none of their own, 0 for no limit; it and the currency hold until
    the database has said otherwise.
    """

    def __init__(self, conninfo: str, currency: str, *, requests_a_minute: int) -> None:
        self._writer: Lane[placing.Request, Placed | Refusal] = Lane(
            "writer", conninfo, partial(placing.place, mode=Mode.API)
        )
        self._reader: Lane[queries.Request, queries.Answer] = Lane("reader", conninfo, queries.read, reads_only=True)
        # Apart from the writer: these lock orders, then accounts, and a transaction that placed orders holds accounts.
        self._refiller: Lane[RefillOf, Refills | Refusal] = Lane("refiller", conninfo, refilling.refill)
        self._canceler: Lane[CancelOf, Cancels | Refusal] = Lane(
            "canceler", conninfo, partial(cancelling.cancel, actor=Mode.API.value)
        )
        self._keeper: Lane[bytes, int | None] = Lane("keeper", conninfo, note_used)
        self._lanes = (self._writer, self._reader, self._refiller, self._canceler, self._keeper)
        self._used: set[bytes] = set()  # the keys seen since they were last written down
        self._limiter = Limiter(requests_a_minute)
        self._requests_a_minute = requests_a_minute
        self._first_currency = currency
        self._obeyed: site_settings.SiteSettings | None = None
        self._actions: dict[str, Callable[[Call, Done[Answer]], None]] = {
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
        if (told := site_settings.held()) is not self._obeyed:
            self._obey(told)
        return self._limiter.take(key, monotonic_ns())

    def _obey(self, told: site_settings.SiteSettings | None) -> None:
        """Take over what the operator has changed."""
        self._obeyed = told
        given = told.requests_a_minute if told else None
        self._limiter.default = self._requests_a_minute if given is None else given

    @property
    def _currency(self) -> str:
        told = site_settings.held()
        return told.currency if told else self._first_currency

    def answer(self, call: Call, done: Done[Answer]) -> None:
        """Have a call answered: `done` gets the answer, or `Unavailable` when the database can't be asked."""
        self._actions.get(call.parameters.get("action", ""), self._incorrect)(call, done)

    def _note_used(self) -> None:
        """Write down which keys are in use and learn their limits, and do so again in a while.

        What is lost in between is a time, no more.
        """
        for key in self._used:
            self._keeper.ask(key, partial(self._learn_limit, key))
        self._used = set()
        asyncio.get_running_loop().call_later(NOTE_USED_SECONDS, self._note_used)

    def _learn_limit(self, key: bytes, limit: int | DatabaseUnavailableError | None) -> None:
        if not isinstance(limit, DatabaseUnavailableError):  # else it stays as it was until the next time
            self._limiter.set_limit(key, limit)

    def _add(self, call: Call, done: Done[Answer]) -> None:
        order = placing.Request(call.key, call.parameters, call.address, call.idempotency_key)
        self._writer.ask(order, partial(_pass_on, done, _placed))

    def _balance(self, call: Call, done: Done[Answer]) -> None:
        def show(balance: object) -> Answer:
            assert isinstance(balance, Decimal)
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

        def show(standings: object) -> Answer:
            assert isinstance(standings, dict)
            shown = {id_: _standing(each) for id_, each in standings.items()}
            return Answer(_encode(shown if ids.many else shown[ids.sent[0]]))

        asked = StatusesOf(by=call.key, orders=ids.sent, address=call.address)
        self._reader.ask(asked, partial(_pass_on, done, show))

    def _orders(self, call: Call, done: Done[Answer]) -> None:
        limit = whole(call.parameters.get("limit", str(IDS_MAX)))
        before = wire_id(call.parameters.get("before", str(ID_MAX)))
        if limit is None or not 1 <= limit <= IDS_MAX:
            self._incorrect(call, done, IncorrectParameter("limit"))
        elif before is None:
            self._incorrect(call, done, IncorrectParameter("before"))
        else:
            asked = NewestOf(by=call.key, address=call.address, limit=limit, before=before)
            self._reader.ask(asked, partial(_pass_on, done, _encoded))

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

        asked = RefillOf(by=call.key, orders=ids.sent, address=call.address)
        self._refiller.ask(asked, partial(_pass_on, done, show))

    def _refill_status(self, call: Call, done: Done[Answer]) -> None:
        ids, by_order = call.ids("refill"), False
        if not ids:
            ids, by_order = call.ids("order"), True
        if not ids:
            self._incorrect(call, done)
            return

        def show(found: object) -> Answer:
            assert isinstance(found, list)
            shown = [_show_refill(*pair, by_order=by_order) for pair in zip(ids.sent, found, strict=True)]
            if ids.many:
                return Answer(_encode(shown))
            status = shown[0]["status"]
            return Answer(_encode(status if isinstance(status, dict) else {"status": status}))

        asked = RefillsOf(by=call.key, ids=ids.sent, by_order=by_order, address=call.address)
        self._reader.ask(asked, partial(_pass_on, done, show))

    def _cancel(self, call: Call, done: Done[Answer]) -> None:
        ids = call.ids("order")
        if not ids:
            self._incorrect(call, done)
            return
        asked = CancelOf(by=call.key, orders=ids.sent, address=call.address)
        self._canceler.ask(asked, partial(_pass_on, done, partial(_by_order, "cancel", ids.sent)))

    def _incorrect(self, call: Call, done: Done[Answer], refusal: Refusal | None = None) -> None:
        """Refuse a request that makes no sense, but not before its key: that is checked first (docs/protocol.md §4)."""
        refused = _error(refusal or IncorrectRequest())
        self._reader.ask(BalanceOf(by=call.key, address=call.address), partial(_pass_on, done, lambda _: refused))


def _pass_on[Found](
    done: Done[Answer], show: Callable[[Found], Answer], found: Found | Refusal | DatabaseUnavailableError
) -> None:
    """Hand on what a lane has found, as it is shown to the client."""
    if isinstance(found, DatabaseUnavailableError):
        done(found)
        return
    try:
        answer = _error(found) if isinstance(found, Refusal) else show(found)
    except Exception:
        logger.exception("An answer can't be shown")
        done(DatabaseUnavailableError("the answer can't be shown"))
        return
    done(answer)


def _placed(placed: Placed | Refusal) -> Answer:
    assert isinstance(placed, Placed)
    return Answer(b'{"order":%d}' % placed.order)


def _listing(listing: object) -> Answer:
    assert isinstance(listing, Listing)
    return Answer(listing.plain)


def _listing_gzipped(listing: object) -> Answer:
    assert isinstance(listing, Listing)
    return Answer(listing.gzipped, gzipped=True)


def _standing(standing: Standing | Refusal) -> object:
    return standing if isinstance(standing, Standing) else {"error": str(standing)}


def _encoded(found: object) -> Answer:
    return Answer(_encode(found))


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
