"""The asyncio client: a thin shell that sends and waits. `_exchange` decides."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Self

import httpx2

from tradepost_client import _calls, _transport
from tradepost_client._calls import Call
from tradepost_client._exchange import Panel, Send, StepResult
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

    `url` is the API's complete URL; it is used unchanged. With `idempotency`, for panels that take idempotency keys as
    Tradepost does, each order gets a key, and an ambiguous `add` is repeated with the same key. Without it, an
    ambiguous `add` is never repeated. `retry` limits all retries; None means no retry. `transport` is httpx2's, for
    proxies, certificates and tests.

    Tasks may share one client. Every method raises `Refused`, `RateLimited`, `NotSent` or `Ambiguous`. If the
    arguments can't be sent, it raises `ValueError` and sends nothing.
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
        self._url = _transport.parse_url(url)
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
        await self._http.aclose()

    async def services(self) -> list[Service]:
        """Return the services on sale, at this account's rates."""
        return await self._run(_calls.services())

    async def add(self, order: Order, *, idempotency_key: str | None = None) -> Placed:
        """Place an order. A panel that takes idempotency keys places one order per key, however often it is sent."""
        return await self._run(_calls.add(order, idempotency_key or self._panel.new_idempotency_key()))

    async def status(self, order: Id) -> Standing:
        """Return how an order stands."""
        return await self._run(_calls.status(order))

    async def statuses(self, orders: Iterable[Id]) -> dict[Id, StandingOf]:
        """Return how up to 100 orders stand, by the ids as the caller gave them."""
        return await self._run(_calls.statuses(orders))

    async def iter_statuses(self, orders: Iterable[Id]) -> AsyncIterator[tuple[Id, StandingOf]]:
        """Return how any number of orders stand. Asks for 100 at a time, and only when the caller needs them."""
        for batch in _calls.in_batches(orders):
            for pair in (await self.statuses(batch)).items():
                yield pair

    async def refill(self, order: Id) -> Refill:
        """Request a refill of an order."""
        return await self._run(_calls.refill(order))

    async def refills(self, orders: Iterable[Id]) -> dict[Id, RefillOf]:
        """Request refills of up to 100 orders."""
        return await self._run(_calls.refills(orders))

    async def refill_status(self, refill: Id | None = None, *, order: Id | None = None) -> RefillStanding:
        """Return how a refill stands, by the refill's id. Tradepost takes the order's id too; other panels may not."""
        return await self._run(_calls.refill_status(refill, order))

    async def refill_statuses(self, refills: Iterable[Id]) -> dict[Id, RefillStandingOf]:
        """Return how up to 100 refills stand."""
        return await self._run(_calls.refill_statuses(refills))

    async def cancel(self, orders: Iterable[Id]) -> dict[Id, CancelOf]:
        """Request to cancel up to 100 orders. Their statuses show later how much was given back."""
        return await self._run(_calls.cancel(orders))

    async def cancel_one(self, order: Id) -> CancelOf:
        """Request to cancel one order, by `order=`: some panels do not know `orders=` here."""
        return (await self._run(_calls.cancel_one(order)))[order]

    async def balance(self) -> Balance:
        """Return what is left in the account."""
        return await self._run(_calls.balance())

    async def orders(self, *, limit: int = _calls.IDS_MAX, before: Id | None = None) -> list[ListedOrder]:
        """Return the newest orders; with `before`, those with lower ids. Only Tradepost has this action."""
        return await self._run(_calls.orders(limit, before))

    async def _run[T](self, call: Call[T]) -> T:
        if self._http.is_closed:
            raise RuntimeError("the client is closed")
        steps = self._panel.run(call)
        result: StepResult = None
        while True:
            try:
                step = steps.send(result)
            except StopIteration as done:
                answer: T = done.value
                return answer
            result = None
            if isinstance(step, Send):
                result = await self._send(step)
            else:
                await asyncio.sleep(step.seconds)

    async def _send(self, step: Send) -> StepResult:
        partial = None
        try:
            request = self._http.build_request("POST", self._url, content=step.form)
            response = await self._http.send(request, stream=True, follow_redirects=False)
            partial = _transport.PartialAnswer(response, self._answer_bytes_max)
            try:
                async for part in response.aiter_bytes():
                    if not partial.add(part):
                        return partial.too_large()
            finally:
                await response.aclose()
        except Exception as error:  # noqa: BLE001 - after any error, the request may have left
            return _transport.failure(error, partial.answer() if partial else None)
        return partial.answer()
