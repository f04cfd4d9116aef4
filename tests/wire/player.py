"""Plays a case against a desk: runs the steps, sends the requests as bytes, compares the answers."""

import gzip
import http.client
import json
import re
import socket
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.waiting import HANG_SECONDS
from tests.wire.case_files import ABSENT, Case, Exchange, headers
from tests.wire.stage import Stage

SHOWN_BYTES_MAX = 2_000
JSON, TEXT, FORM = "application/json", "text/plain", "application/x-www-form-urlencoded"

_NAME = re.compile(r"\{(\w+)\}")
_REPEATED = re.compile(r"\{([^{}\s]+)\*([0-9]+)\}")
_BYTE = re.compile(rb"\\x([0-9a-f]{2})")
_NEW_NUMBER = re.compile(r"(?<![^\s\[:,])\$(\w+)")


class Reply(msgspec.Struct, frozen=True):
    """An answer, decompressed."""

    status: int
    headers: dict[str, str]  # by name in lower case
    body: bytes


def play(case: Case, url: str, stage: Stage) -> None:
    """Play a case against the desk at `url`. If an answer differs, fail with file, line, rule and both answers."""
    for exchange in case.exchanges:
        place = f"{case.file}:{exchange.line}: {case.rule}"
        try:
            wrong = _play(exchange, url, stage)
        except Exception as error:
            error.add_note(place)
            raise
        if wrong:
            pytest.fail(f"{place}: {wrong}", pytrace=False)


def request_bytes(head: str, body: str, stage: Stage) -> bytes:
    """Return the bytes of a request that a case describes."""
    start, *lines = _fill(head, stage).split("\n")
    text = _REPEATED.sub(lambda found: found[1] * int(found[2]), _fill(body, stage)).replace("\n", "\r\n")
    content = _BYTE.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    given = headers(lines)
    filled = {"Host": "localhost", **({"Content-Type": FORM, "Content-Length": str(len(content))} if content else {})}
    names = {name.lower() for name in given}
    sent = {**{name: value for name, value in filled.items() if name.lower() not in names}, **given}
    told = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value != ABSENT)
    return f"{start} HTTP/1.1\r\n{told}\r\n".encode() + content


def differences(exchange: Exchange, expected: str, reply: Reply, told: dict[str, str]) -> list[str]:
    """Return the differences of an answer from the expected one, and store the values that the case names in `told`."""
    found = [] if reply.status == exchange.status else [f"the status is {reply.status}"]
    for name, value in {"content-type": JSON if exchange.status == 200 else TEXT, **exchange.headers}.items():
        if reply.headers.get(name, ABSENT) != value:
            found.append(f"{name} is {reply.headers.get(name, ABSENT)}, not {value}")
    if reply.headers.get("content-type") != JSON:
        return found if reply.body.decode().strip() == expected else [*found, "the text is another one"]
    answer = json.loads(reply.body)
    if reply.body != json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode():
        found.append("the JSON is not compact UTF-8")
    if not matches(json.loads(_NEW_NUMBER.sub(r'"#\1"', expected)), answer, told):
        found.append("the JSON is another one")
    return found


def matches(expected: object, found: object, told: dict[str, str]) -> bool:
    """Return whether an answer matches, types included. New named values are stored in `told`."""
    if isinstance(expected, str):
        if expected[:1] in {"#", "$"}:
            right = type(found) is (int if expected[0] == "#" else str)
            return right and (expected[1:] == "_" or told.setdefault(expected[1:], str(found)) == str(found))
        if expected[:1] == "~":
            return isinstance(found, str) and re.fullmatch(expected[1:], found) is not None
    if isinstance(expected, list) and isinstance(found, list):
        rest = iter(found)
        if "…" in expected:  # the expected items must be there, in this order
            return all(any(matches(each, other, told) for other in rest) for each in expected if each != "…")
        return len(expected) == len(found) and all(map(matches, expected, found, [told] * len(found)))
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(matches(expected[name], found[name], told) for name in expected)
    return type(expected) is type(found) and expected == found


def _play(exchange: Exchange, url: str, stage: Stage) -> str:
    for step in exchange.steps:
        stage.do(_fill(step, stage))
    expected = _fill(exchange.answer, stage)
    for body in exchange.bodies:
        request = request_bytes(exchange.head, body, stage)
        reply = _send(url, request)
        found = differences(exchange, expected, reply, stage)
        if found:
            return (
                f"{'; '.join(found)}\n\nsent:\n{_shown(request)}\n\n"
                f"expected:\nHTTP {exchange.status} {exchange.headers or ''}\n{expected}\n\n"
                f"came:\nHTTP {reply.status} {reply.headers}\n{_shown(reply.body)}"
            )
    return ""


def _fill(text: str, stage: Stage) -> str:
    return _NAME.sub(lambda found: stage[found[1]], text)


def _shown(data: bytes) -> str:
    return data[:SHOWN_BYTES_MAX].decode(errors="replace")


def _send(url: str, request: bytes) -> Reply:
    parts = urlsplit(url)
    with (
        socket.create_connection((str(parts.hostname), parts.port), HANG_SECONDS) as connection,
        http.client.HTTPResponse(connection) as response,
    ):
        connection.sendall(request)
        response.begin()
        body = response.read()
    told = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, told, gzip.decompress(body) if told.get("content-encoding") == "gzip" else body)
