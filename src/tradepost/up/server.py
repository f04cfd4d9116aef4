"""The server processes, which run uvicorn on a socket that the supervisor has bound, and the process for pages.

Both kinds run the whole application. If a connection begins with a page, a server hands it over to the pages' process,
so that rendering pages does not slow down orders (decision 50). Importing this module imports the application and sets
Django up.
"""

import asyncio
import contextlib
import gc
import socket
from functools import partial
from typing import Any, cast

import uvicorn

from tradepost.api.client_addresses import ForwardedFor
from tradepost.api.connection_limits import CONNECTIONS_MAX, Connections
from tradepost.api.head_cache import HeadCache
from tradepost.api.protocol import PassOn, Protocol
from tradepost.config import environment
from tradepost.config.asgi import api, application, body_bytes_max
from tradepost.frame_room import with_room
from tradepost.up import connection_handover, open_files

DRAIN_SECONDS_MAX = 2
BACKLOG = 2_048
OTHER_FILES = 200  # that a process opens besides its connections: database, libraries, static files
GARBAGE_THRESHOLD = 50_000  # objects made between collections; seldom is enough, since requests leave no cycles


def serve(listener: socket.socket, pages: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight. Page connections go to `pages`."""
    tune()
    with_room(uvicorn.Server(_config(partial(connection_handover.give, pages))).run)(sockets=[listener])


def serve_pages(connections: socket.socket) -> None:
    """Serve the connections that come over this socket, until SIGTERM or SIGINT."""
    tune()
    with_room(_PageServer(_config(), connections).run)(sockets=[])


def tune() -> None:
    """Collect garbage seldom, and leave out the imported objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)


def _config(pass_on: PassOn | None = None) -> uvicorn.Config:
    return uvicorn.Config(
        ForwardedFor(application, environment.proxies()),
        http=cast(
            "Any", partial(Protocol, api=api, heads=HeadCache(), connections=_connections(), pass_on=pass_on)
        ),  # uvicorn's type is a class, but uvicorn only calls it with keyword arguments
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )


def _connections() -> Connections:
    """Return the limits of this process's connections. Each one needs a file, so the process may open all it can."""
    files_max = open_files.raise_limit()
    return Connections(body_bytes_max=body_bytes_max, at_once_max=min(CONNECTIONS_MAX, files_max - OTHER_FILES))


class _PageServer(uvicorn.Server):
    """A server that accepts no connections itself, but takes over those of the other servers."""

    def __init__(self, config: uvicorn.Config, connections: socket.socket) -> None:
        super().__init__(config)
        self._connections = connections
        self._starting: set[asyncio.Task[None]] = set()  # a reference, or the tasks might be garbage-collected

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._connections, self._take)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().remove_reader(self._connections)
        await super().shutdown(sockets)

    def _take(self) -> None:
        taken = connection_handover.take(self._connections)
        if taken:
            task = asyncio.get_running_loop().create_task(self._serve_connection(*taken))
            self._starting.add(task)
            task.add_done_callback(self._starting.discard)

    async def _serve_connection(self, connection: socket.socket, said: bytes) -> None:
        protocol: Any = partial(
            cast("Any", self.config.http_protocol_class),
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            said=said,
        )
        with contextlib.suppress(OSError):  # the client has disconnected
            await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)
