"""An upstream panel on a real socket, and both clients for each test."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import tests.alike  # noqa: F401 - importing it sets up the process
from testkit.upstream.server import Upstream
from tests.waiting import HANG_SECONDS
from tradepost_client import AsyncClient, Client, DefaultOrder, Retry

QUICK = Retry(wait_seconds=0.001)
LINK = "https://pixelpond.example/alice"
ORDER = DefaultOrder(service=1, link=LINK, quantity=100)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A panel with one service and no faults."""
    with Upstream() as running:
        yield running


@pytest.fixture(params=[Client, AsyncClient])
def ask(request: pytest.FixtureRequest, upstream: Upstream) -> Callable[..., Any]:
    """Call a method of a client by its name; `client` has options for the client."""

    def call(method: str, *arguments: Any, client: dict[str, Any] | None = None, **named: Any) -> Any:
        options = {
            "url": upstream.url,
            "key": upstream.panel.key,
            "retry": QUICK,
            "timeout": HANG_SECONDS,
            **(client or {}),
        }
        if request.param is Client:
            with Client(**options) as blocking:
                return getattr(blocking, method)(*arguments, **named)

        async def run() -> Any:
            async with AsyncClient(**options) as waiting:
                return await getattr(waiting, method)(*arguments, **named)

        return asyncio.run(run())

    return call
