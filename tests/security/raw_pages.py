"""A browser of sockets: it decides which desk serves it, and from which address it comes."""

import re
from urllib.parse import urlencode

from tests.conftest import Desk
from tests.raw_http import Answer
from tests.security.probes import FORM, PAGE, Target


class RawBrowser:
    """A browser without scripts. It says that it is a proxy with a client at this address."""

    def __init__(self, desk: Desk | Target, address: str) -> None:
        self._target = desk if isinstance(desk, Target) else Target(desk.url)
        self._address = address
        self._cookies: dict[str, str] = {}

    def sign_in(self, email: str, password: str) -> Answer:
        """Open the form and send it, on one connection."""
        with self._target.connect() as client:
            client.send(self._target.head("GET", PAGE, *self._headers()))
            form = client.answer("GET")
            self._cookies |= form.cookies
            [token] = set(re.findall(rb'name="csrfmiddlewaretoken"\s+value="(\w+)"', form.body))
            fields = {"csrfmiddlewaretoken": token.decode(), "login": email, "password": password}
            body = urlencode(fields).encode()
            client.send(self._target.head("POST", PAGE, *self._headers(), f"Content-Length: {len(body)}") + body)
            answer = client.answer()
            self._cookies |= answer.cookies
            return answer

    def _headers(self) -> list[str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        origin = [f"Origin: https://{self._target.host}"] if self._target.tls else []
        return [f"X-Forwarded-For: {self._address}", f"Cookie: {cookies}", f"Content-Type: {FORM}", *origin]
