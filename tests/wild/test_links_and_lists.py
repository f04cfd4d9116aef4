"""Links and lists as programs and clipboards send them, over sockets to a running desk (docs/dialects.md)."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from tests.api.api_calls import call
from tests.conftest import Customer, Desk
from tests.wild.requests import FORM, JSON, LINK, send, spent
from tradepost import panel
from tradepost.engine.order_texts import INVISIBLE, LIST_LINES_MAX, read_lines, read_link
from tradepost.engine.order_types import OrderType, Terms, parse_order
from tradepost.orders.models import Order
from tradepost.panel.order_forms import parameters_of

FLAG = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

type MakeService = Callable[..., int]


# Links


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("https://t.me/+AbCd", "https://t.me/+AbCd"),
        ("t.me/+AbCd_e-F", "t.me/+AbCd_e-F"),
        ("https://telegram.me/+AbCd?boost", "https://telegram.me/+AbCd?boost"),
        ("https://wa.me/+15551234", "https://wa.me/+15551234"),
        ("https://signal.me/#p/+15551234", "https://signal.me/#p/+15551234"),
        ("https://api.whatsapp.com/send?phone=+15551234", "https://api.whatsapp.com/send?phone=+15551234"),
        ("https://www.google.com/maps/place/Eiffel+Tower/@48.8,2.2,17z", None),
        ("https://www.google.com/search?q=order+desk", "https://www.google.com/search?q=order+desk"),
        ("https://www.youtube.com/results?search_query=order+desk", None),
        ("order+desk", "order desk"),  # free text: a blank is what a form means by a plus
        ("@alice+b", "@alice b"),
        ("%2Balice", "+alice"),
        ("+https://t.me/%2BAbCd+%0D%0A", "https://t.me/+AbCd"),
        ("https://pixelpond.example/a%2Bb", "https://pixelpond.example/a+b"),
        (quote("https://pixelpond.example/été/日本語"), "https://pixelpond.example/été/日本語"),
        (quote("https://pixelpond.example/👩‍💻"), "https://pixelpond.example/👩‍💻"),
        (quote("https://pixelpond.example/❤️🏳️‍🌈"), "https://pixelpond.example/❤️🏳️‍🌈"),
        (quote(FLAG), FLAG),
        (quote("https://pixelpond.example/می‌خواهم"), "https://pixelpond.example/می‌خواهم"),
        (quote("https://пример.испытание/а"), "https://пример.испытание/а"),
    ],
)
def test_a_link_is_read(desk: Desk, alice: Customer, service: int, sent: str, stored: str | None) -> None:
    answer = send(desk, FORM, f"key={alice.key}&action=add&service={service}&quantity=100&link={sent}")
    assert Order.objects.get(pk=answer["order"]).link == (stored or sent)


BAD_LINKS = [
    *(f"https://pixelpond.example/a{char}b" for char in "\n\r\t\x00\x01\x07\x0b\x1b\x7f\x85\xa0\xad"),
    *(f"https://pixelpond.example/a{char}b" for char in "\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202e"),
    *(f"https://pixelpond.example/a{char}b" for char in "\u2060\u2066\u2069\ufeff\ufffd\u3000\u2800\u3164\U000e0061"),
    *(f"alice{char}" for char in "\x01\x07\x7f\u200b\u200d\u202e\ufeff"),
    *("\u200b", "\ufeff\u200b", "\u200d", "\u3164", "\u2800", "\ufe0f", "\xad\xa0\xad", "\ufffd", "\u202e \u202c"),
    "one\ntwo",
    "https://pixelpond.example/a b",
    "https://pixelpond.example/ AbCd",
    "pixelpond.example/a b",
    "https://t.me/ AbCd please",
    "https://t.me/  AbCd",
    "https://t.me/alice bob",
    "https://www.youtube.com/watch?v=abc 1000",
    "https://www.google.com/search?q=a https://pixelpond.example/b",
    "https://pixelpond.example/a https://pixelpond.example/b",
]


@pytest.mark.parametrize("link", BAD_LINKS)
def test_a_link_that_can_not_be_right_is_refused_and_costs_nothing(
    desk: Desk, alice: Customer, service: int, link: str
) -> None:
    sent = f"key={alice.key}&action=add&service={service}&quantity=100&link={quote_plus(link)}"
    assert send(desk, FORM, sent) == {"error": "Bad link"}
    assert send(desk, JSON, json.dumps({**_order(alice, service), "link": link})) == {"error": "Bad link"}
    assert spent(alice) == 0


def _order(customer: Customer, service: int) -> dict[str, Any]:
    return {"key": customer.key, "action": "add", "service": service, "quantity": 100}


@pytest.mark.parametrize("link", [link for link in BAD_LINKS if "\ufffd" not in link][::4])
def test_a_user_is_checked_as_a_link_is(desk: Desk, alice: Customer, make_service: MakeService, link: str) -> None:
    service = make_service(type="Subscriptions")
    answer = call(desk, alice, "add", service=service, username=link, min=10, max=10, posts=1, delay=0)
    assert answer == {"error": "Incorrect username"}


def test_a_plus_that_was_put_back_counts_as_the_same_link(
    desk: Desk, alice: Customer, make_service: MakeService
) -> None:
    service = make_service(one_order_per_link=True, link_pattern=r"https://t\.me/\+\w+")
    first, second = (
        send(desk, FORM, f"key={alice.key}&action=add&service={service}&quantity=100&link=https://t.me/{plus}AbCd")
        for plus in ("+", "%2B")
    )
    assert first.keys() == {"order"}
    assert second["error"].startswith("You have active order with this link")


def test_an_order_with_a_bare_plus_can_be_repeated(desk: Desk, alice: Customer, service: int) -> None:
    body = f"key={alice.key}&action=add&service={service}&quantity=100&link=https://t.me/+AbCd&idempotency_key=one"
    assert send(desk, FORM, body) == send(desk, FORM, body)
    assert Order.objects.filter(account=alice.id).count() == 1


@given(st.text())
def test_a_link_that_was_read_is_read_again_as_it_is(text: str) -> None:
    link = read_link(text)
    assert read_link(link) == link
    assert not set(link) & set("\n\r\0\u200b\u202e\u2028")


# Lists


LINES = [
    ("a\nb", "a\nb"),
    ("a\r\nb", "a\nb"),
    ("a\rb", "a\nb"),
    ("a\n\rb\r\r\nc", "a\nb\nc"),
    (r"a\nb", "a\nb"),
    (r"a\r\nb\n", "a\nb"),
    (r"a\\nb", "a\nb"),
    ("a\\nb\n", "a\nb"),  # the line end at the end says nothing
    ("say \\n\nb", "say \\n\nb"),
    ("\ufeffa\n\u200b\n\xa0\n\u2060 b \u200b\n\u3164\n\x07\n\u202e\n\x7f", "a\nb"),
    ("❤️\n👩‍💻", "❤️\n👩‍💻"),
    ("a\u2028still a\nb\x85still b", "a\u2028still a\nb\x85still b"),
]


@pytest.mark.parametrize("lines", LINES)
@pytest.mark.parametrize("type_", ["Custom Comments", "Mentions Custom List"])
def test_the_lines_that_are_stored_are_those_that_are_charged(
    desk: Desk, alice: Customer, make_service: MakeService, type_: str, lines: tuple[str, str]
) -> None:
    sent, stored = lines
    name = "comments" if type_ == "Custom Comments" else "usernames"
    service = make_service(type=type_, min=1, rate=Decimal(1000))
    order = Order.objects.get(pk=call(desk, alice, "add", service=service, link=LINK, **{name: sent})["order"])
    count = stored.count("\n") + 1
    assert order.fields == {name: stored}
    assert order.quantity == order.charge == count


@pytest.mark.parametrize("name", ["keywords", "hashtags", "groups"])
def test_every_list_is_read_alike(desk: Desk, alice: Customer, make_service: MakeService, name: str) -> None:
    types = {"keywords": "SEO", "hashtags": "Mentions with Hashtags", "groups": "Invites from Groups"}
    sent = {"usernames": "bob\rcharlie", name: "\u200b\ra\\n\rb"}
    service = make_service(type=types[name])
    order = Order.objects.get(pk=call(desk, alice, "add", service=service, link=LINK, quantity=100, **sent)["order"])
    assert order.fields
    assert order.fields[name] == "a\\n\nb"


@pytest.mark.parametrize("nothing", ["\u200b", "\ufeff\n\u200b", "\\n", "\x07\r\x07", "\u3164", "\x00"])
def test_a_list_of_nothing_visible_is_missing(
    desk: Desk, alice: Customer, make_service: MakeService, nothing: str
) -> None:
    service = make_service(type="Custom Comments", min=1)
    answer = call(desk, alice, "add", service=service, link=LINK, comments=nothing)
    assert answer == {"error": "Incorrect comments"}


@given(st.lists(st.text("a \n\r\\nr\u200b\ufeff\xa0é❤\ufe0f\x07", max_size=8)).map("".join))
def test_as_many_lines_are_counted_as_are_stored(text: str) -> None:
    stored = read_lines(text)
    assert all(line == line.strip() and line for line in stored.split("\n")) or not stored
    assert "\r" not in stored
    if stored:
        draft = parse_order(Terms(OrderType.CUSTOM_COMMENTS, 1, LIST_LINES_MAX), {"link": LINK, "comments": text})
        assert draft.fields == {"comments": stored}
        assert draft.quantity == len(stored.split("\n"))


PANEL_JS = Path(str(panel.__file__)).parent / "static" / "panel" / "panel.js"


def test_the_form_counts_lines_by_the_same_characters() -> None:
    invisible = "".join(re.findall(r"String\.raw`(.+)`,", PANEL_JS.read_text()))
    assert invisible == re.sub(r"\\U000([0-9a-f]{5})", r"\\u{\1}", INVISIBLE)


def test_a_form_of_the_panel_is_read_as_the_api_reads_it() -> None:
    form = QueryDict("link=x&link=https://t.me/%2BAbCd&comments=a&comments=&comments=b%0D%0Ac")
    assert parameters_of(form, ("link", "comments", "quantity")) == {
        "link": "https://t.me/+AbCd",
        "comments": "a\nb\r\nc",
    }
