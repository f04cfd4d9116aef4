"""HTTP as bytes over a socket, for requests that no HTTP client sends."""

import http.client
import http.cookies
import socket
import ssl
from typing import Any, NamedTuple, Self, cast
from urllib.parse import urlencode, urlsplit

from tests.waiting import HANG_SECONDS


class Answer(NamedTuple):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: dict[str, str]


class Client:
    """One connection, on which bytes are sent and answers read, one after the other.

    With `tls`, it is a connection to a proxy, which is asked for the name `host`.
    """

    def __init__(self, url: str, *, source: str = "", tls: ssl.SSLContext | None = None, host: str = "") -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection(
            (str(parts.hostname), parts.port), HANG_SECONDS, (source, 0) if source else None
        )
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self._file = self.socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self.socket.sendall(data)

    def answer(self, method: str = "POST") -> Answer:
        """Read the next answer, and no byte of what follows it."""
        response = http.client.HTTPResponse(cast("Any", self), method=method)
        response.begin()
        body = response.read()
        cookies: http.cookies.SimpleCookie = http.cookies.SimpleCookie()
        for line in response.headers.get_all("Set-Cookie") or []:
            cookies.load(line)
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, body, {name: cookie.value for name, cookie in cookies.items()})

    def makefile(self, _mode: str) -> "Client":
        """Give http.client something it may close without ending the connection."""
        return self

    def readline(self, limit: int = -1) -> bytes:
        """Read a line, for http.client."""
        return self._file.readline(limit)

    def read(self, size: int = -1) -> bytes:
        """Read bytes, for http.client."""
        return self._file.read(size)

    def flush(self) -> None:
        """Do nothing, for http.client."""

    def close(self) -> None:
        """Stay open, for http.client."""

    def is_over(self) -> bool:
        """Tell whether the server has ended the connection, with nothing more to read."""
        return self._file.read(1) == b""


def post(key: str, action: str = "balance", *headers: str, host: str = "localhost", **parameters: Any) -> bytes:
    """Return a POST, as most clients write it."""
    body = urlencode({"key": key, "action": action, **parameters})
    return raw("POST", "/api/v2", "Content-Type: application/x-www-form-urlencoded", *headers, body=body, host=host)


def raw(
    method: str, target: str, *headers: str, body: str = "", version: str = "1.1", host: str = "localhost"
) -> bytes:
    """Return a request with just these headers."""
    length = [] if any("chunked" in header for header in headers) else [f"Content-Length: {len(body)}"]
    head = "\r\n".join([f"{method} {target} HTTP/{version}", f"Host: {host}", *headers, *length])
    return f"{head}\r\n\r\n{body}".encode()


def chunked(key: str, action: str = "balance", **parameters: Any) -> bytes:
    """Return the same as `post`, in two chunks."""
    body = urlencode({"key": key, "action": action, **parameters})
    chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in (body[:5], body[5:]))
    return raw("POST", "/api/v2", "Transfer-Encoding: chunked", body=f"{chunks}0\r\n\r\n")
