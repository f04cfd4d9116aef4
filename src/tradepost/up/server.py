"""A server process: the site and the API by uvicorn, on a socket that the supervisor has bound.

Importing this imports all that a server runs, and sets Django up.
"""

import gc
import socket
from functools import partial
from typing import Any, cast

import uvicorn

from tradepost.api.protocol import Protocol
from tradepost.config.asgi import api, application

DRAIN_SECONDS_MAX = 2
BACKLOG = 2_048
GARBAGE_THRESHOLD = 50_000  # objects made between collections; requests leave no cycles behind


def serve(listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests in flight."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD)
    config = uvicorn.Config(
        application,
        http=cast("Any", partial(Protocol, api=api)),  # uvicorn types it as a class; it calls it, with names
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS_MAX,
    )
    uvicorn.Server(config).run(sockets=[listener])
