"""Playing a case: carry out its steps, send its requests as bytes to a desk, and compare the answers."""

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
JSON, TEXT, FORM = "application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"

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
    """Play a case to the desk at `url`. If an answer differs, fail with file, line, rule, request and both answers."""
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
    """Return the bytes of a request."""
    start, *lines = _fill(head, stage).split("\n")
    text = _REPEATED.sub(lambda match: match[1] * int(match[2]), _fill(body, stage)).replace("\n", "\r\n")
    content = _BYTE.sub(lambda match: bytes.fromhex(match[1].decode()), text.encode())
    given = headers(lines)
    filled = {"Host": "localhost", **({"Content-Type": FORM, "Content-Length": str(len(content))} if content else {})}
    names = {name.lower() for name in given}
    sent = {**{name: value for name, value in filled.items() if name.lower() not in names}, **given}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value != ABSENT)
    return f"{start} HTTP/1.1\r\n{head}\r\n".encode() + content


def differences(exchange: Exchange, expected: str, reply: Reply, names: dict[str, str]) -> list[str]:
    """Return how an answer differs from the expected one. Add the values that the case names to `names`."""
    problems = [] if reply.status == exchange.status else [f"the status is {reply.status}"]
    for name, value in {"content-type": JSON if exchange.status == 200 else TEXT, **exchange.headers}.items():
        if reply.headers.get(name, ABSENT) != value:
            problems.append(f"{name} is {reply.headers.get(name, ABSENT)}, not {value}")
    if reply.headers.get("content-type") != JSON:
        return problems if reply.body.decode().strip() == expected else [*problems, "the text is another one"]
    answer = json.loads(reply.body)
    if reply.body != json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode():
        problems.append("the JSON is not compact UTF-8")
    if not matches(json.loads(_NEW_NUMBER.sub(r'"#\1"', expected)), answer, names):
        problems.append("the JSON is another one")
    return problems


def matches(expected: object, actual: object, names: dict[str, str]) -> bool:
    """Return whether `actual` matches `expected`, types included. New names and their values are added to `names`."""
    if isinstance(expected, str):
        if expected[:1] in {"#", "$"}:
            right = type(actual) is (int if expected[0] == "#" else str)
            return right and (expected[1:] == "_" or names.setdefault(expected[1:], str(actual)) == str(actual))
        if expected[:1] == "~":
            return isinstance(actual, str) and re.fullmatch(expected[1:], actual) is not None
    if isinstance(expected, list) and isinstance(actual, list):
        rest = iter(actual)
        if "…" in expected:  # all other elements must be there, in this order
            return all(any(matches(element, other, names) for other in rest) for element in expected if element != "…")
        return len(expected) == len(actual) and all(map(matches, expected, actual, [names] * len(actual)))
    if isinstance(expected, dict) and isinstance(actual, dict):
        is_same_shape = expected.keys() == actual.keys()
        return is_same_shape and all(matches(expected[key], actual[key], names) for key in expected)
    return type(expected) is type(actual) and expected == actual


def _play(exchange: Exchange, url: str, stage: Stage) -> str:
    for step in exchange.steps:
        stage.do(_fill(step, stage))
    expected = _fill(exchange.answer, stage)
    for body in exchange.bodies:
        request = request_bytes(exchange.head, body, stage)
        reply = _send(url, request)
        problems = differences(exchange, expected, reply, stage)
        if problems:
            return (
                f"{'; '.join(problems)}\n\nsent:\n{_shown(request)}\n\n"
                f"expected:\nHTTP {exchange.status} {exchange.headers or ''}\n{expected}\n\n"
                f"came:\nHTTP {reply.status} {reply.headers}\n{_shown(reply.body)}"
            )
    return ""


def _fill(text: str, stage: Stage) -> str:
    return _NAME.sub(lambda match: stage[match[1]], text)


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
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
