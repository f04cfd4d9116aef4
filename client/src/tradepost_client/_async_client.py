"""The asyncio client: a thin shell that sends, waits, and decides nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Self

import httpx2

from tradepost_client import _calls, _transport
from tradepost_client._calls import Call
from tradepost_client._exchange import Outcome, Panel, Send
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
from tradepost_client._retry import NO_RETRY, Retry


class AsyncClient:
    """A panel that speaks API v2, for asyncio.

    `url` is the API's own, kept as it is given. `idempotency` is for panels that take idempotency keys, as a Tradepost
    does: each order gets one, and an ambiguous `add` is made again with the same. Without it an ambiguous `add` never
    is. `retry` limits how often anything is made again; None is never. `transport` is httpx2's, for proxies,
    certificates and tests.

    One client may be shared by tasks. Every method raises `Refused`, `RateLimited`, `NotSent` or `Ambiguous`; and
    `ValueError`, before anything is sent, for what can't be asked.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        idempotency: bool = False,
        retry: Retry | None = Retry(),  # noqa: B008 - frozen
        timeout: httpx2.Timeout | float = _transport.TIMEOUT,
        limits: httpx2.Limits = _transport.LIMITS,
        answer_bytes_max: int = _transport.ANSWER_BYTES_MAX,
        user_agent: str = _transport.HEADERS["User-Agent"],
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._panel = Panel(url, key, retry=retry or NO_RETRY, idempotency=idempotency)
        self._url = _transport.address(url)
        self._answer_bytes_max = answer_bytes_max
        self._http = httpx2.AsyncClient(
            headers={**_transport.HEADERS, "User-Agent": user_agent},
            timeout=timeout,
            limits=limits,
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"<AsyncClient of {self._panel.shown_url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def services(self) -> list[Service]:
        """Return what is on sale, at this account's rates."""
        return await self._run(_calls.services())

    async def add(self, order: Order, *, idempotency_key: str | None = None) -> Placed:
        """Place an order. With an idempotency key the panel, if it takes them, places it once, however often asked."""
        return await self._run(_calls.add(order, idempotency_key or self._panel.new_idempotency_key()))

    async def status(self, order: Id) -> Standing:
        """Return how an order stands."""
        return await self._run(_calls.status(order))

    async def statuses(self, orders: Iterable[Id]) -> dict[Id, StandingOf]:
        """Return how up to 100 orders stand, or what the panel says instead of each, by the ids as they were given."""
        return await self._run(_calls.statuses(orders))

    async def iter_statuses(self, orders: Iterable[Id]) -> AsyncIterator[tuple[Id, StandingOf]]:
        """Return how any number of orders stand, asking for 100 at a time and not before they are wanted."""
        for batch in _calls.in_batches(orders):
            for pair in (await self.statuses(batch)).items():
                yield pair

    async def refill(self, order: Id) -> Refill:
        """Ask for a refill of an order."""
        return await self._run(_calls.refill(order))

    async def refills(self, orders: Iterable[Id]) -> dict[Id, RefillOf]:
        """Ask for refills of up to 100 orders."""
        return await self._run(_calls.refills(orders))

    async def refill_status(self, refill: Id | None = None, *, order: Id | None = None) -> RefillStanding:
        """Return how a refill stands, by its id; a Tradepost takes its order's id too."""
        return await self._run(_calls.refill_status(refill, order))

    async def refill_statuses(self, refills: Iterable[Id]) -> dict[Id, RefillStandingOf]:
        """Return how up to 100 refills stand."""
        return await self._run(_calls.refill_statuses(refills))

    async def cancel(self, orders: Iterable[Id]) -> dict[Id, CancelOf]:
        """Ask to cancel up to 100 orders; what is given back shows in their statuses, later."""
        return await self._run(_calls.cancel(orders))

    async def balance(self) -> Balance:
        """Return what is left to order for."""
        return await self._run(_calls.balance())

    async def orders(self, *, limit: int = _calls.IDS_MAX, before: Id | None = None) -> list[ListedOrder]:
        """Return the newest orders, those below an id if it is given. An extension of Tradepost: others refuse it."""
        return await self._run(_calls.orders(limit, before))

    async def _run[T](self, call: Call[T]) -> T:
        if self._http.is_closed:
            raise RuntimeError("the client is closed")
        steps = self._panel.run(call)
        outcome: Outcome = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            outcome = None
            if isinstance(step, Send):
                outcome = await self._send(step)
            else:
                await asyncio.sleep(step.seconds)

    async def _send(self, step: Send) -> Outcome:
        gathering = None
        try:
            request = self._http.build_request("POST", self._url, content=step.form)
            response = await self._http.send(request, stream=True, follow_redirects=False)
            gathering = _transport.Gathering(response, self._answer_bytes_max)
            try:
                async for part in response.aiter_bytes():
                    if not gathering.add(part):
                        return gathering.too_large()
            finally:
                await response.aclose()
        except Exception as error:  # noqa: BLE001 - whatever it is, the request may have left
            return _transport.failure(error, gathering.answer() if gathering else None)
        return gathering.answer()
