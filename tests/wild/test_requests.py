"""What customers' programs send, as it really comes, over sockets to a running desk (docs/dialects.md)."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests import asking
from tests.api.api_calls import call
from tests.conftest import Customer, Desk
from tests.wild.requests import FORM, JSON, LINK, send, spent
from tradepost.orders.models import Order

MULTIPART, PLAIN = "multipart/form-data", "text/plain"
NOT_UNDERSTOOD = {"error": "Incorrect request: the body was not understood"}
BALANCE = {"balance": "100.00", "currency": "USD"}
_PART = '--b\r\n{}Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


def parts(*fields: tuple[str, str], more: str = "") -> str:
    """Return a multipart body. `more` are headers of each part, before its name."""
    return "".join(_PART.format(more, *field) for field in fields) + "--b--\r\n"


PARTS = parts(("key", "{key}"), ("action", "balance"))
TYPED_PARTS = parts(("key", "{key}"), ("action", "balance"), more="Content-Type: text/plain\r\n")

type MakeService = Callable[..., int]


# A name that comes twice


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, "orders=0&orders=x"),
        (FORM, "order=0&order=x"),
        (FORM, "orders=0&orders[]=x"),
        (FORM, "orders[]=0&orders=x"),
        (FORM, "orders[]=0&orders[]=x"),
        (FORM, "orders[7]=0&orders[3]=x"),
        (FORM, "orders[a]=0&orders[b]=x"),
        (FORM, "orders%5B0%5D%5B0%5D=0&orders%5B0%5D%5B1%5D=x"),
        (FORM, "order[]=0&order[]=x"),
        (FORM, "order=&order=0&order=x"),
        (JSON, '"orders": [0, "x"]'),
        (JSON, '"orders": [["0"], ["x"]]'),
        (JSON, '"orders": {"0": "0", "1": "x"}'),
        (JSON, '"orders": {"first": 0, "second": "x"}'),
        (JSON, '"orders": "0", "orders": "x"'),
        (JSON, '"orders": [0], "orders": ["x"]'),
        (JSON, '"orders[]": "0", "orders[]": "x"'),
        (JSON, '"order": [0.0, "x", null]'),
        (MULTIPART, "orders"),
        (MULTIPART, "orders[]"),
        (MULTIPART, "order[a]"),
    ],
)
def test_ids_that_come_one_by_one_are_a_list(desk: Desk, alice: Customer, content_type: str, body: str) -> None:
    if content_type == FORM:
        sent = f"key={alice.key}&action=status&{body}"
    elif content_type == JSON:
        sent = f'{{"key": "{alice.key}", "action": "status", {body}}}'
    else:
        content_type = f"{MULTIPART}; boundary=b"
        sent = parts(("key", alice.key), ("action", "status"), (body, "0"), (body, "x"))
    assert send(desk, content_type, sent).keys() == {"0", "x"}


def test_ids_of_the_query_are_a_list_too(desk: Desk, alice: Customer) -> None:
    answer = asking.get(f"{desk.api_url}?key={alice.key}&action=status&orders=0&orders=x")
    assert answer.json().keys() == {"0", "x"}


def test_an_id_that_comes_twice_in_the_singular_is_one_id(desk: Desk, alice: Customer) -> None:
    sent = f"key={alice.key}&action=status&order=0&order=0"
    assert send(desk, FORM, sent) == {"error": "Incorrect order ID"}


@pytest.mark.parametrize("object_", ['{"id": 1, "quantity": 2}', '[{"id": 1, "quantity": 2}]', '{"order": {"a": [1]}}'])
def test_numbers_of_an_object_in_a_list_are_not_taken_for_ids(desk: Desk, alice: Customer, object_: str) -> None:
    sent = f'{{"key": "{alice.key}", "action": "cancel", "orders": [{object_}]}}'
    assert send(desk, JSON, sent) == {"error": "Incorrect request"}


@pytest.mark.parametrize(
    "comments", ["comments=a&comments=b", "comments[]=a&comments[x]=b", "comments=a&comments=&comments=b"]
)
def test_comments_that_come_one_by_one_are_a_list(
    desk: Desk, alice: Customer, make_service: MakeService, comments: str
) -> None:
    service = make_service(type="Custom Comments", min=1)
    sent = f"key={alice.key}&action=add&service={service}&link={LINK}&{comments}"
    order = Order.objects.get(pk=send(desk, FORM, sent)["order"])
    assert (order.quantity, order.fields) == (2, {"comments": "a\nb"})


@pytest.mark.parametrize("twice", ["quantity=50&quantity=100", "quantity=100&quantity=100", "quantity=100&quantity="])
def test_of_a_parameter_that_is_no_list_the_last_value_counts(
    desk: Desk, alice: Customer, service: int, twice: str
) -> None:
    order = send(desk, FORM, f"key={alice.key}&action=add&service={service}&link={LINK}&{twice}")["order"]
    assert Order.objects.get(pk=order).quantity == 100


@pytest.mark.parametrize(
    ("parameters", "error"),
    [("link=a&quantity[]=50&quantity[]=100", "Incorrect quantity"), ("link[]=a&link[]=b&quantity=100", "Bad link")],
)
def test_a_list_in_place_of_one_value_is_refused(
    desk: Desk, alice: Customer, service: int, parameters: str, error: str
) -> None:
    assert send(desk, FORM, f"key={alice.key}&action=add&service={service}&{parameters}") == {"error": error}


# Whole numbers


@pytest.mark.parametrize("written", ["100", "100.0", "100.00", "100.0000", "0100.0"])
def test_a_whole_number_may_be_written_as_a_float(desk: Desk, alice: Customer, service: int, written: str) -> None:
    placed = call(desk, alice, "add", service=f"{service}.0", link=LINK, quantity=written)
    assert Order.objects.get(pk=placed["order"]).quantity == 100
    assert call(desk, alice, "status", order=f"{placed['order']}.0")["remains"] == "100"


@pytest.mark.parametrize(
    "written", ["100.5", "100.000", "1,000", "1.000,0", "100,0", "1e2", "100.", ".0", "100.0.0", "１００"]
)
def test_what_is_not_surely_a_whole_number_is_refused(desk: Desk, alice: Customer, service: int, written: str) -> None:
    answer = call(desk, alice, "add", service=service, link=LINK, quantity=written)
    assert answer == {"error": "Incorrect quantity"}
    assert spent(alice) == 0


class Whole(NamedTuple):
    service: dict[str, Any]
    sent: dict[str, str]
    stored: dict[str, Any]


WHOLE = [
    Whole({"dripfeed": True}, {"quantity": "100.0", "runs": "2.0", "interval": "10.0"}, {"quantity": 200, "parts": 2}),
    Whole({"type": "Poll"}, {"quantity": "100", "answer_number": "2.00"}, {"fields": {"answer_number": "2"}}),
    Whole(
        {"type": "Subscriptions"},
        {"username": "bob", "min": "10.0", "max": "20.0", "posts": "2.0", "old_posts": "1.0", "delay": "30.0"},
        {"quantity": 60, "parts": 3},
    ),
    Whole(
        {"type": "Web Traffic"},
        {"quantity": "100.0", "country": "DE", "device": "5.0", "type_of_traffic": "1.0", "google_keyword": "desk"},
        {"fields": {"country": "DE", "device": "5", "type_of_traffic": "1", "google_keyword": "desk"}},
    ),
]


@pytest.mark.parametrize("case", WHOLE)
def test_every_whole_number_may_be_written_as_a_float(
    desk: Desk, alice: Customer, make_service: MakeService, case: Whole
) -> None:
    placed = call(desk, alice, "add", service=make_service(**case.service), **{"link": LINK, **case.sent})
    order = Order.objects.get(pk=placed["order"])
    assert {name: getattr(order, name) for name in case.stored} == case.stored


def test_a_float_does_not_pass_by_a_parameter_that_it_requires(
    desk: Desk, alice: Customer, make_service: MakeService
) -> None:
    sent = {"quantity": 100, "country": "DE", "device": 1, "type_of_traffic": "2.0", "link": LINK}
    service = make_service(type="Web Traffic")
    assert call(desk, alice, "add", service=service, **sent) == {"error": "Incorrect referring_url"}


def test_limit_and_before_may_be_written_as_floats(desk: Desk, alice: Customer) -> None:
    assert call(desk, alice, "orders", limit="10.0", before="100.0") == []


# Bodies


class Body(NamedTuple):
    content_type: str
    body: str


READ = [
    Body(JSON, "key={key}&action=balance"),
    Body(f"{JSON}; charset=utf-8", "action=balance&key={key}"),
    Body("application/json, application/x-www-form-urlencoded", "key={key}&action=balance"),
    Body("application/xml", "key={key}&action=balance"),
    Body("application/octet-stream", '{{"key": "{key}", "action": "balance"}}'),
    Body(PLAIN, "key={key}&action=balance"),
    Body(PLAIN, "key={key}\r\naction=balance\r\n"),
    Body(PLAIN, '{{"key": "{key}", "action": "balance"}}'),
    Body("", "key={key}&action=balance"),
    Body("", '\ufeff{{"key": "{key}", "action": "balance"}}'),
    Body(FORM, "\ufeffkey={key}&action=balance"),
    Body(FORM, "&key={key}&action=balance&"),
    Body(FORM, ' \r\n{{"key": "{key}", "action": "balance"}}'),
    Body(FORM, '{{"key": "{key}", "action": "balance"}}='),
    Body(FORM, "%7B%22key%22%3A%22{key}%22%2C%22action%22%3A+%22balance%22%7D"),
    Body(FORM, "%7b%22key%22%3a%22{key}%22%2c%22action%22%3a%22balance%22%7d="),
    Body(JSON, '[{{"key": "{key}", "action": "balance"}}]'),
    Body(JSON, '"key={key}&action=balance"'),
    Body(JSON, '"{{\\"key\\": \\"{key}\\", \\"action\\": \\"balance\\"}}"'),
    Body(MULTIPART, "key={key}&action=balance"),
    Body(f"{MULTIPART}; boundary=b", "key={key}&action=balance"),
    Body(f"{MULTIPART}; boundary=b", '{{"key": "{key}", "action": "balance"}}'),
    Body(f"{MULTIPART}; boundary=b", PARTS),
    Body(f"{MULTIPART}; boundary=other", PARTS),
    Body(MULTIPART, PARTS),
    Body(MULTIPART, TYPED_PARTS),
    Body(FORM, PARTS),
    Body(JSON, PARTS),
    Body(PLAIN, PARTS),
    Body("", PARTS),
    Body("", PARTS.replace("\r\n", "\n")),
]


@pytest.mark.parametrize(("content_type", "body"), READ)
def test_a_body_is_read_if_it_can_be_only_one_thing(desk: Desk, alice: Customer, content_type: str, body: str) -> None:
    assert send(desk, content_type, body.format(key=alice.key).encode()) == BALANCE


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_json_is_read_in_any_encoding_of_unicode(desk: Desk, alice: Customer, encoding: str) -> None:
    assert send(desk, JSON, json.dumps({"key": alice.key, "action": "balance"}).encode(encoding)) == BALANCE


@pytest.mark.parametrize("content_type", [FORM, JSON, PLAIN, MULTIPART, f"{MULTIPART}; boundary=b", ""])
@pytest.mark.parametrize(
    "body",
    [
        "balance",
        "{",
        '{"key": "KEY", "action": "balance"',
        '{"key": "KEY", "action": "balance",}',
        "{'key': 'KEY', 'action': 'balance'}",
        "{key=KEY&action=balance}",
        '["KEY", "balance"]',
        '"KEY"',
        "<request><key>KEY</key></request>",
        '<?xml version="1.0"?><request key="KEY"/>',
        "key: KEY\naction: balance\n",
        "--x\r\nnonsense",
        "\x1f\x8b\x08\x00",
        "=" * 100,
        "[" * 100_000,
        "{" + "=" * 100_000,
    ],
)
def test_a_body_that_is_not_understood_is_told_so(desk: Desk, alice: Customer, content_type: str, body: str) -> None:
    assert send(desk, content_type, body.replace("KEY", alice.key)) == NOT_UNDERSTOOD


def test_a_body_that_is_not_understood_does_not_hide_behind_a_bearer_token(desk: Desk, alice: Customer) -> None:
    assert send(desk, JSON, '{"action": "balance"', Authorization=f"Bearer {alice.key}") == NOT_UNDERSTOOD


@pytest.mark.parametrize("body", ["", " \r\n", "{}", "[]", "null", '""', "undefined", "key=&action="])
def test_an_empty_body_has_no_key(desk: Desk, body: str) -> None:
    assert send(desk, JSON, body) == {"error": "Invalid API key"}


# Other methods, and pages of other sites


@pytest.mark.parametrize("path", ["/api/v2", "/api/v2/", "/api/v2?key=KEY&action=add"])
def test_options_is_answered_plainly(desk: Desk, path: str) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    with asking.Session() as session:
        answer = session.request("OPTIONS", f"{_site(desk)}{path}", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_head_orders_nothing(desk: Desk, alice: Customer, service: int) -> None:
    query = f"key={alice.key}&action=add&service={service}&quantity=100&link={LINK}"
    with asking.Session() as session:
        answer = session.head(f"{desk.api_url}?{query}")
        assert (answer.status_code, answer.content) == (200, b"")
        assert session.get(f"{desk.api_url}?key={alice.key}&action=balance").json() == BALANCE
    assert not Order.objects.filter(account=alice.id).exists()


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_read_as_a_post(desk: Desk, alice: Customer, method: str) -> None:
    with asking.Session() as session:
        answer = session.request(method, desk.api_url, data={"key": alice.key, "action": "balance"})
    assert (answer.status_code, answer.json()) == (200, BALANCE)


def test_no_answer_is_meant_for_a_page_of_another_site(desk: Desk, alice: Customer) -> None:
    answer = asking.post(
        desk.api_url, data={"key": alice.key, "action": "balance"}, headers={"Origin": "https://shop.example"}
    )
    assert answer.json() == BALANCE
    assert not [name for name in answer.headers if name.startswith("access-control")]


def _site(desk: Desk) -> str:
    parts = urlsplit(desk.url)
    return f"{parts.scheme}://{parts.netloc}"
