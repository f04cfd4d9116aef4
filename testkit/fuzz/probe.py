"""Sends requests over a raw socket, and checks the answers against docs/protocol.md §1."""

import json
import re
import socket
from collections import Counter
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse

from testkit.errors import RunFailedError
from testkit.fuzz.http_requests import Request

ANSWER_SECONDS_MAX = 10
PLAIN = frozenset({413})  # statuses allowed besides 200 for a well-formed request

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class Probe:
    """A client that reuses its connection. `asked` is the number of requests, `answers` counts each kind of answer."""

    def __init__(self, host: str, port: int, *, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        self.asked = 0
        self.answers: Counter[str] = Counter()
        self._address = host, port
        self._seconds_max = seconds_max
        self._socket: socket.socket | None = None

    def ask(self, request: Request) -> None:
        """Send a request and check the answer. Raises `RunFailedError` if the answer is not allowed."""
        self.asked += 1
        try:
            kinds = self._well_formed(request.data) if request.is_well_formed else self._malformed(request.data)
        except (_WrongError, OSError, HTTPException) as error:
            self.close()
            raise RunFailedError(f"{self._why(error)} to {request!r}") from error
        self.answers.update(kinds)

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._address, timeout=self._seconds_max)

    def _well_formed(self, data: bytes) -> list[str]:
        response = self._begin_response(data)
        body = response.read()
        if response.will_close:
            self.close()
        if response.status in PLAIN:
            return [str(response.status)]
        if response.status != HTTPStatus.OK:
            raise _WrongError(f"{response.status} is the answer")
        if response.headers["content-type"] != "application/json":
            raise _WrongError(f"{response.headers['content-type']!r} is the content type of the answer")
        if response.headers["content-encoding"] == "gzip":
            return ["services"]
        return [_kind_of(body)]

    def _begin_response(self, data: bytes) -> HTTPResponse:
        """Send the request. If the server had closed the idle connection by then, send it again on a new one."""
        if self._socket:
            try:
                return _response_to(data, self._socket)
            except ConnectionError:  # that of http.client, too: no byte of an answer came
                self.close()
        self._socket = self._connect()
        return _response_to(data, self._socket)

    def _malformed(self, data: bytes) -> list[str]:
        """Send bytes on a new connection and read until the server closes it, with or without an answer."""
        answer = b""
        with self._connect() as connection:
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65_536):
                    answer += part
            except TimeoutError:
                raise
            except OSError:
                pass  # the server closed the connection while this side was sending
        statuses = [status.decode() for status in _STATUS.findall(answer)]
        if any(status.startswith("5") for status in statuses):
            raise _WrongError(f"{', '.join(statuses)} is the answer")
        return [f"no HTTP: {status}" for status in statuses or ["hung up"]]

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"nothing within {self._seconds_max} s is the answer"
        return str(error) if isinstance(error, _WrongError) else f"{error!r} is the answer"


class _WrongError(Exception):
    pass


def _response_to(data: bytes, connection: socket.socket) -> HTTPResponse:
    connection.sendall(data)
    response = HTTPResponse(connection)
    response.begin()
    return response


def _kind_of(body: bytes) -> str:
    """Return the kind of an answer: its error, or "an answer"."""
    answer = json.loads(body)
    if isinstance(answer, dict) and answer.keys() == {"order"}:
        raise _WrongError("an order is the answer")
    if isinstance(answer, dict) and isinstance(answer.get("error"), str):
        return str(answer["error"])
    return "an answer"
