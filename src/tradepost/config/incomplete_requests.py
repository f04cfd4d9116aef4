"""Requests that end too early: whoever reads one is told so, and never takes a part of it for the whole."""

from tradepost.api.app import ASGIApp, Receive, Scope, Send
from tradepost.engine.exceptions import TradepostError


class ClientDisconnectedError(TradepostError, ConnectionError):
    """The client hung up before its request was whole. An OSError, as of any WSGI server: Django knows what to do."""


def whole(app: ASGIApp) -> ASGIApp:
    """Raise `ClientDisconnectedError` in an application that reads the body of a client that is gone.

    a2wsgi takes a disconnect for the end of the body: half a form would be a form with less in it.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_whole() -> dict[str, object]:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError("the client hung up before its request was whole")
            return message

        await app(scope, receive_whole, send)

    return application
