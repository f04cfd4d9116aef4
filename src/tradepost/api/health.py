"""Tells load balancers and monitors how the server is. Answered in the event loop, whatever the pages are doing.

- `/healthz/live`: the server process answers. If it doesn't, start it again.
- `/healthz/ready`, and `/healthz`: the database answers too, so orders can be placed. If not, send clients elsewhere.
"""

import asyncio

from tradepost.api.app import READ_ONLY, send_reply
from tradepost.api.asgi_types import Receive, Scope, Send
from tradepost.api.handler import TEXT, Reply
from tradepost.api.v2 import Api

LIVE_PATH = "/healthz/live"
PATHS = frozenset({"/healthz", "/healthz/ready", LIVE_PATH})

_OK = Reply(200, b"ok", (TEXT,))
_AWAY = Reply(503, b"the database is away", (TEXT,))


async def respond(api: Api, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - as in ASGI
    """Answer `ok`, or 503 if the database is away. The caller needs no key, and any `Host` will do."""
    if scope["method"] not in {"GET", "HEAD"}:
        await send_reply(send, READ_ONLY)
        return
    await send_reply(send, _OK if scope["path"] == LIVE_PATH or await _reads(api) else _AWAY)


async def _reads(api: Api) -> bool:
    """Return whether the API reads from the database, by the connection that it uses for customers."""
    answered: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def done(reads: bool) -> None:
        if not answered.done():  # else the client has gone
            answered.set_result(reads)

    api.try_database(done)
    return await answered
