"""Reads the whole body of an ASGI request, up to a limit."""

from tradepost.api.asgi_types import Receive, Scope
from tradepost.engine.exceptions import TradepostError

BODY_BYTES_MAX = 1024 * 1024  # of every request, except where the back office takes files
THROWN_AWAY_BYTES_MAX = 16 * 1024 * 1024  # of a refused request


class BodyTooLargeError(TradepostError):
    """The body is larger than the limit."""


class ClientDisconnectedError(TradepostError):
    """The client disconnected before its request was complete. A part of a request must not pass for the whole."""


async def read_body(scope: Scope, receive: Receive, *, bytes_max: int) -> bytes:
    """Return the body. Raises `BodyTooLargeError` and `ClientDisconnectedError`.

    The rest of a larger body is read and thrown away, up to `THROWN_AWAY_BYTES_MAX`. If the server stopped reading
    earlier, the client would see a broken connection in place of the reply.
    """
    announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not announced.isdigit() or int(announced) > THROWN_AWAY_BYTES_MAX:
        raise BodyTooLargeError
    parts: list[bytes] = []
    size = 0
    while size <= THROWN_AWAY_BYTES_MAX:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnectedError
        part = message.get("body", b"")
        size += len(part)
        if size <= bytes_max:
            parts.append(part)
        if not message.get("more_body"):
            if size <= bytes_max:
                return b"".join(parts)
            break
    raise BodyTooLargeError
