"""A browser of sockets: it decides which desk serves it, and from which address it comes."""

import http.client
import re
from contextlib import AbstractContextManager
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from tests.conftest import Desk
from tests.waiting import HANG_SECONDS


class Answer(NamedTuple):
    """What the desk has answered."""

    status: int
    body: bytes


class RawBrowser(AbstractContextManager["RawBrowser"]):
    """A browser without scripts. Each sign-in opens a connection: a desk closes those that were idle for a moment."""

    def __init__(self, desk: Desk, address: str) -> None:
        parts = urlsplit(desk.url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=HANG_SECONDS)
        self._headers = {"X-Forwarded-For": address}  # the desk trusts a proxy on its own machine
        self._cookies: dict[str, str] = {}

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def sign_in(self, email: str, password: str) -> Answer:
        """Open the form and send it."""
        self._connection.close()
        form = self._request("GET", "/account/login/")
        [token] = set(re.findall(rb'name="csrfmiddlewaretoken"\s+value="(\w+)"', form.body))
        fields = {"csrfmiddlewaretoken": token.decode(), "login": email, "password": password}
        return self._request("POST", "/account/login/", urlencode(fields).encode())

    def _request(self, method: str, path: str, body: bytes | None = None) -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {**self._headers, "Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        for set_cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = set_cookie.partition("=")
            self._cookies[name] = rest.partition(";")[0]
        return Answer(response.status, response.read())
