"""API v2: from a request's parameters to its answer (protocol §1 to §4)."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial

import msgspec

from tradepost.api.coalesce import Lane
from tradepost.engine import money, placing, reading
from tradepost.engine.catalog import Listing
from tradepost.engine.errors import IncorrectRequest, Refusal
from tradepost.engine.placing import Mode, Placed
from tradepost.engine.reading import BalanceOf, ServicesFor, Standing, StatusesOf

IDS_MAX = 100

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


class Answer(msgspec.Struct, frozen=True):
    """What goes back: JSON, always with status 200."""

    body: bytes
    gzipped: bool = False


class Api:
    """Answers calls by way of two lanes, one that writes and one that reads. Start it inside the event loop."""

    def __init__(self, conninfo: str, currency: str) -> None:
        self._writer: Lane[placing.Request, Placed | Refusal] = Lane(
            "writer", conninfo, partial(placing.place, mode=Mode.API)
        )
        self._reader: Lane[reading.Request, reading.Answer] = Lane("reader", conninfo, reading.read)
        self._currency = currency
        self._actions: dict[str, Callable[[Call], Awaitable[Answer]]] = {
            "add": self._add,
            "balance": self._balance,
            "services": self._services,
            "status": self._status,
        }

    def start(self) -> None:
        """Begin to answer."""
        self._writer.start()
        self._reader.start()

    def stop(self) -> None:
        """Answer what has been taken in, then end."""
        self._writer.stop()
        self._reader.stop()

    def answer(self, call: Call) -> Awaitable[Answer]:
        """Answer one call. Raises `Unavailable` when the database can't be asked."""
        return self._actions.get(call.parameters.get("action", ""), self._incorrect)(call)

    async def _add(self, call: Call) -> Answer:
        placed = await self._writer.ask(placing.Request(call.key, call.parameters, call.address))
        if isinstance(placed, Refusal):
            return _error(placed)
        return Answer(b'{"order":%d}' % placed.order)

    async def _balance(self, call: Call) -> Answer:
        balance = await self._reader.ask(BalanceOf(call.key, call.address))
        if isinstance(balance, Refusal):
            return _error(balance)
        assert isinstance(balance, Decimal)
        return Answer(_encode({"balance": money.show(balance), "currency": self._currency}))

    async def _services(self, call: Call) -> Answer:
        listing = await self._reader.ask(ServicesFor(call.key, call.address))
        if isinstance(listing, Refusal):
            return _error(listing)
        assert isinstance(listing, Listing)
        return Answer(listing.gzipped, gzipped=True) if call.takes_gzip else Answer(listing.plain)

    async def _status(self, call: Call) -> Answer:
        sent = call.parameters.get("orders") or call.parameters.get("order", "")
        ids = [id_ for part in sent.split(",") if (id_ := part.strip())]
        if not 0 < len(ids) <= IDS_MAX:
            return await self._incorrect(call)
        standings = await self._reader.ask(StatusesOf(call.key, ids, call.address))
        if isinstance(standings, Refusal):
            return _error(standings)
        assert isinstance(standings, dict)
        shown = {id_: self._show(standing) for id_, standing in standings.items()}
        is_list = "orders" in call.parameters or len(ids) > 1
        return Answer(_encode(shown if is_list else shown[ids[0]]))

    def _show(self, standing: Standing | Refusal) -> dict[str, str]:
        if isinstance(standing, Refusal):
            return {"error": standing.text}
        return {
            "charge": standing.charge,
            "start_count": standing.start_count,
            "status": standing.status,
            "remains": standing.remains,
            "currency": self._currency,
        }

    async def _incorrect(self, call: Call) -> Answer:
        """Refuse a request that makes no sense, but not before its key: that is checked first (protocol §4)."""
        known = await self._reader.ask(BalanceOf(call.key, call.address))
        return _error(known if isinstance(known, Refusal) else IncorrectRequest())


def _error(refusal: Refusal) -> Answer:
    return Answer(_encode({"error": refusal.text}))
