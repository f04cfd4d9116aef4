"""The server processes: API and site by uvicorn, on a socket that the supervisor has bound; and one for the pages.

Both run the whole application. A server passes a connection that begins with a page on to the pages' process, so that
no page is made where orders are taken (decision 50). Importing this imports all that they run, and sets Django up.
"""

import asyncio
import contextlib
import gc
import socket
from functools import partial
from typing import Any, cast

import uvicorn

from tradepost.api.head_cache import HeadCache
from tradepost.api.protocol import PassOn, Protocol
from tradepost.config.asgi import api, application
from tradepost.up import connection_handover

DRAIN_SECONDS_MAX = 2
BACKLOG = 2_048
GARBAGE_THRESHOLD = 50_000  # objects made between collections; requests leave no cycles behind


def serve(listener: socket.socket, pages: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight; what begins with a page goes to `pages`."""
    tune()
    uvicorn.Server(_config(partial(connection_handover.give, pages))).run(sockets=[listener])


def serve_pages(connections: socket.socket) -> None:
    """Serve the connections that come over this socket, until SIGTERM or SIGINT."""
    tune()
    _Taking(_config(), connections).run(sockets=[])


def tune() -> None:
    """Have garbage looked for as a process does that serves: seldom, and not among what is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _config(pass_on: PassOn | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=cast(
            "Any", partial(Protocol, api=api, heads=HeadCache(), pass_on=pass_on)
        ),  # uvicorn types it as a class; it calls it, with names
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )


class _Taking(uvicorn.Server):
    """A server that accepts no connections but takes over those of others."""

    def __init__(self, config: uvicorn.Config, connections: socket.socket) -> None:
        super().__init__(config)
        self._connections = connections
        self._beginning: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections over."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._connections, self._take)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and finish."""
        asyncio.get_running_loop().remove_reader(self._connections)
        await super().shutdown(sockets)

    def _take(self) -> None:
        taken = connection_handover.take(self._connections)
        if taken:
            task = asyncio.get_running_loop().create_task(self._go_on(*taken))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _go_on(self, connection: socket.socket, said: bytes) -> None:
        protocol: Any = partial(
            cast("Any", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            said=said,
        )
        with contextlib.suppress(OSError):  # its client has gone
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
