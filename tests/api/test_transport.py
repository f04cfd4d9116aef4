"""Every dialect that clients speak, and answers as they need them (protocol §1)."""

import gzip
import http.client
import json
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.conftest import Customer, Desk

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def send(desk: Desk, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Send exactly these bytes; return status, headers (in lower case) and body."""
    parts = urlsplit(desk.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request(method, target, body or None, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, answer


def multipart(**fields: str) -> tuple[bytes, str]:
    """Write a multipart body and its content type."""
    parts = [
        f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--b0undary--\r\n").encode(), "multipart/form-data; boundary=b0undary"


BALANCE = {"balance": "100.00", "currency": "USD"}


@pytest.mark.parametrize("path", ["/api/v2", "/api/v2/"])
def test_both_paths_are_served_without_a_redirect(desk: Desk, alice: Customer, path: str) -> None:
    status, headers, body = send(desk, "POST", path, f"key={alice.key}&action=balance".encode(), **FORM)
    assert (status, json.loads(body)) == (200, BALANCE)
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=UTF-8", "text/plain", ""],
)
def test_a_form_is_read_whatever_it_is_called(desk: Desk, alice: Customer, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    body = f"key={alice.key}&action=balance".encode()
    assert json.loads(send(desk, "POST", "/api/v2", body, **headers)[2]) == BALANCE


def test_multipart_is_read(desk: Desk, alice: Customer) -> None:
    body, content_type = multipart(key=alice.key, action="balance")
    assert json.loads(send(desk, "POST", "/api/v2", body, Content_Type=content_type)[2]) == BALANCE


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", FORM["Content-Type"]])
def test_json_is_read_even_when_it_is_called_a_form(desk: Desk, alice: Customer, content_type: str) -> None:
    body = json.dumps({"key": alice.key, "action": "balance"}).encode()
    assert json.loads(send(desk, "POST", "/api/v2", body, Content_Type=content_type)[2]) == BALANCE


def test_numbers_may_be_json_numbers(desk: Desk, alice: Customer, service: int) -> None:
    order = {"key": alice.key, "action": "add", "service": service, "link": "https://pixelpond.example/a"}
    for quantity in (100, 100.0, "100"):
        answer = httpx2.post(desk.api_url, json={**order, "quantity": quantity}).json()
        assert answer.keys() == {"order"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_query_string_is_read(desk: Desk, alice: Customer, method: str) -> None:
    assert json.loads(send(desk, method, f"/api/v2?key={alice.key}&action=balance")[2]) == BALANCE


def test_the_body_wins_over_the_query(desk: Desk, alice: Customer) -> None:
    target = "/api/v2?key=wrong&action=services"
    body = f"key={alice.key}&action=balance".encode()
    assert json.loads(send(desk, "POST", target, body, **FORM)[2]) == BALANCE


def test_the_key_may_come_as_a_bearer_token(desk: Desk, alice: Customer) -> None:
    body = b"action=balance"
    answer = send(desk, "POST", "/api/v2", body, Authorization=f"Bearer {alice.key}", **FORM)[2]
    assert json.loads(answer) == BALANCE


@pytest.mark.parametrize("agent", ["", "sqlmap/1.0", "Mozilla/4.0 (compatible; MSIE 5.01; Windows NT 5.0)"])
def test_no_user_agent_is_turned_away(desk: Desk, alice: Customer, agent: str) -> None:
    body = f"key={alice.key}&action=balance".encode()
    assert json.loads(send(desk, "POST", "/api/v2", body, User_Agent=agent, **FORM)[2]) == BALANCE


def test_junk_for_absent_and_unknown_parameters_are_ignored(desk: Desk, alice: Customer, service: int) -> None:
    junk = {"runs": "undefined", "interval": "null", "comments": "", "colour": "blue", "drip": "no"}
    order = {"service": f" {service} ", "link": " https://pixelpond.example/b ", "quantity": " 100\t"}
    answer = httpx2.post(desk.api_url, data={"key": alice.key, "action": "add", **order, **junk}).json()
    assert answer.keys() == {"order"}


def test_answers_are_compact_utf8(desk: Desk, alice: Customer) -> None:
    body = send(desk, "POST", "/api/v2", f"key={alice.key}&action=services".encode(), **FORM)[2]
    assert body.startswith(b'[{"service":')
    assert json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode() == body


def test_the_list_of_services_is_compressed_for_whoever_takes_it(desk: Desk, alice: Customer) -> None:
    body = f"key={alice.key}&action=services".encode()
    _, headers, packed = send(desk, "POST", "/api/v2", body, Accept_Encoding="gzip, deflate", **FORM)
    _, _, plain = send(desk, "POST", "/api/v2", body, **FORM)
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "application/json"
    assert gzip.decompress(packed) == plain


def test_a_body_of_more_than_a_mebibyte_is_refused_as_plain_text(desk: Desk, alice: Customer) -> None:
    body = f"key={alice.key}&action=balance&x=".encode() + b"x" * 1024 * 1024
    status, headers, answer = send(desk, "POST", "/api/v2", body, **FORM)
    assert status == 413
    assert headers["content-type"] == "text/plain"
    assert b"{" not in answer


@pytest.mark.parametrize(
    "body",
    [b"", b"&&&==", b"\xff\xfe\x00", b"{", b'{"key":', b"[]", b'"text"', b"key=%zz&action=%", b'{"key":{"a":1}}'],
)
def test_what_cannot_be_read_counts_as_a_missing_key(desk: Desk, body: bytes) -> None:
    status, _, answer = send(desk, "POST", "/api/v2", body, **FORM)
    assert (status, json.loads(answer)) == (200, {"error": "Invalid API key"})


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", 'emoji 🎈 and \\ and " and {}'])
def test_text_that_a_database_may_choke_on_neither_fails_nor_spoils_others(
    desk: Desk, alice: Customer, service: int, text: str
) -> None:
    body = {"key": alice.key, "action": "add", "service": service, "link": text, "quantity": 100}
    answer = send(desk, "POST", "/api/v2", json.dumps(body).encode(), Content_Type="application/json")[2]
    assert json.loads(answer).keys() == {"order"}


def test_a_broken_multipart_body_is_no_server_error(desk: Desk) -> None:
    status, _, answer = send(
        desk, "POST", "/api/v2", b"--x\r\nnonsense", Content_Type="multipart/form-data; boundary=y"
    )
    assert (status, json.loads(answer)) == (200, {"error": "Invalid API key"})
