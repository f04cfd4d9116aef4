"""Requests whose client disconnects too early. Reading one raises an error, so that no part passes for the whole."""

from tradepost.api.app import ASGIApp, Receive, Scope, Send
from tradepost.engine.exceptions import TradepostError


class ClientDisconnectedError(TradepostError, ConnectionError):
    """The client disconnected before its request was complete.

    This is an OSError, like the one that WSGI servers raise, so Django handles it.
    """


def complete_requests_only(app: ASGIApp) -> ASGIApp:
    """Wrap an application: if the client disconnects while the app reads the body, raise `ClientDisconnectedError`.

    Without this, a2wsgi takes the disconnect for the end of the body, and half a form looks like a smaller form.
    """

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_or_raise() -> dict[str, object]:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnectedError("the client hung up before its request was whole")
            return message

        await app(scope, receive_or_raise, send)

    return application
