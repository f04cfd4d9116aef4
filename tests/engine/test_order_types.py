"""Every type of order: its parameters, its quantity, its errors (docs/protocol.md §3 and §4)."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradepost.engine import link_rules, order_types
from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import Draft, OrderType, Terms

LINK = "https://example.test/alice"
BASE = {"link": LINK, "quantity": "100"}
TRAFFIC = {**BASE, "country": "DE", "device": "5", "type_of_traffic": "3"}
SEARCH = {**TRAFFIC, "type_of_traffic": "1", "google_keyword": "order desk"}
REFERRAL = {**TRAFFIC, "type_of_traffic": "2", "referring_url": "https://example.test/"}

# One accepted order of each type, everything in it required: (type, parameters, quantity charged).
ACCEPTED: list[tuple[OrderType, dict[str, str], int]] = [
    (OrderType.DEFAULT, BASE, 100),
    (OrderType.PACKAGE, {"link": LINK}, 1),
    (OrderType.SEO, {**BASE, "keywords": "desk\r\norder"}, 100),
    (OrderType.CUSTOM_COMMENTS, {"link": LINK, "comments": "Nice\r\n\r\nGood\nWell done\n"}, 3),
    (OrderType.CUSTOM_COMMENTS_PACKAGE, {"link": LINK, "comments": "Nice\nGood"}, 1),
    (OrderType.MENTIONS, {**BASE, "usernames": "bob\ncharlie"}, 100),
    (OrderType.MENTIONS_WITH_HASHTAGS, {**BASE, "usernames": "bob", "hashtags": "#a\n#b"}, 100),
    (OrderType.MENTIONS_CUSTOM_LIST, {"link": LINK, "usernames": "bob\n\ncharlie"}, 2),
    (OrderType.MENTIONS_HASHTAG, {**BASE, "hashtag": "#a"}, 100),
    (OrderType.MENTIONS_USER_FOLLOWERS, {**BASE, "username": "bob"}, 100),
    (OrderType.MENTIONS_MEDIA_LIKERS, {**BASE, "media": "https://example.test/p/1"}, 100),
    (OrderType.COMMENT_LIKES, {**BASE, "username": "bob"}, 100),
    (OrderType.COMMENT_REPLIES, {"link": LINK, "username": "bob", "comments": "Yes\nNo"}, 2),
    (OrderType.POLL, {**BASE, "answer_number": "2"}, 100),
    (OrderType.INVITES_FROM_GROUPS, {**BASE, "groups": "one\ntwo"}, 100),
    (OrderType.WEB_TRAFFIC, TRAFFIC, 100),
    (OrderType.WEB_TRAFFIC, SEARCH, 100),
    (OrderType.WEB_TRAFFIC, REFERRAL, 100),
]
MISSING = [(type_, parameters, name) for type_, parameters, _ in ACCEPTED for name in parameters]
SUBSCRIPTION = {"username": "bob", "min": "100", "max": "200", "delay": "30", "posts": "3"}
FED = {**BASE, "runs": "5", "interval": "60"}


def terms(type_: OrderType = OrderType.DEFAULT, *, dripfeed: bool = False, link_rule: str | None = None) -> Terms:
    return Terms(type_, 1, 10_000, dripfeed, link_rules.compile_stored_rule(link_rule or ""))


def refusal(of: Terms, parameters: dict[str, str]) -> str:
    with pytest.raises(Refusal) as refused:
        order_types.parse_order(of, parameters)
    return str(refused.value)


def test_the_table_has_every_type_that_has_a_link() -> None:
    assert {type_ for type_, _, _ in ACCEPTED} == set(OrderType) - {OrderType.SUBSCRIPTIONS}


@pytest.mark.parametrize(("type_", "parameters", "quantity"), ACCEPTED)
def test_each_type_is_accepted_and_counted(type_: OrderType, parameters: dict[str, str], quantity: int) -> None:
    draft = order_types.parse_order(terms(type_), parameters)

    assert (draft.link, draft.quantity) == (LINK, quantity)
    assert set(draft.fields or {}) == set(parameters) - {"link", "quantity"}


@pytest.mark.parametrize(("type_", "parameters", "name"), MISSING)
def test_each_required_parameter_is_missed_by_its_name(type_: OrderType, parameters: dict[str, str], name: str) -> None:
    absent = {other: value for other, value in parameters.items() if other != name}
    for lacking in (absent, {**parameters, name: ""}, {**parameters, name: " "}):
        assert refusal(terms(type_), lacking) == ("Bad link" if name == "link" else f"Incorrect {name}")


def subscribe(**more: str) -> Draft:
    return order_types.parse_order(Terms(OrderType.SUBSCRIPTIONS, 10, 1000), {**SUBSCRIPTION, **more})


def test_a_subscription_counts_each_post_at_its_maximum() -> None:
    assert subscribe() == Draft("", 600, SUBSCRIPTION, 3)
    assert subscribe(old_posts="2").quantity == 1000
    assert subscribe(posts="", old_posts="2") == Draft(
        "", 400, {**{name: value for name, value in SUBSCRIPTION.items() if name != "posts"}, "old_posts": "2"}, 2
    )


def test_a_subscription_takes_no_link_and_no_quantity() -> None:
    assert subscribe(link=LINK, quantity="9") == subscribe()


@pytest.mark.parametrize("name", ["username", "min", "max", "delay"])
def test_each_parameter_a_subscription_needs_is_missed_by_its_name(name: str) -> None:
    absent = {other: value for other, value in SUBSCRIPTION.items() if other != name}
    assert refusal(Terms(OrderType.SUBSCRIPTIONS, 10, 1000), absent) == f"Incorrect {name}"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"min": "9"}, "Incorrect min"),
        ({"min": "1001", "max": "1001"}, "Incorrect min"),
        ({"min": "0"}, "Incorrect min"),
        ({"max": "99"}, "Incorrect max"),
        ({"max": "1001"}, "Incorrect max"),
        ({"delay": "1"}, "Incorrect delay"),
        ({"delay": "05"}, "Incorrect delay"),
        ({"delay": "30.5"}, "Incorrect delay"),
        ({"posts": "0"}, "Incorrect posts"),
        ({"posts": ""}, "Incorrect posts"),
        ({"posts": "-1"}, "Incorrect posts"),
        ({"posts": "1001"}, "Incorrect posts"),
        ({"posts": "999", "old_posts": "2"}, "Incorrect posts"),
        ({"old_posts": "x"}, "Incorrect old_posts"),
        ({"expiry": "2099-01-31"}, "Incorrect expiry"),
        ({"expiry": "31/02/2099"}, "Incorrect expiry"),
        ({"expiry": "01/01/2020"}, "Incorrect expiry"),
    ],
)
def test_what_is_wrong_with_a_subscription_is_told_by_its_name(wrong: dict[str, str], error: str) -> None:
    assert refusal(Terms(OrderType.SUBSCRIPTIONS, 10, 1000), {**SUBSCRIPTION, **wrong}) == error


def test_a_subscription_of_more_than_the_database_holds_is_refused() -> None:
    asked = {**SUBSCRIPTION, "max": str(2**62)}
    assert refusal(Terms(OrderType.SUBSCRIPTIONS, 1, 2**63 - 1), asked) == "Incorrect max"


@pytest.mark.parametrize("delay", [str(delay) for delay in order_types.DELAYS])
def test_a_delay_is_one_of_the_protocols(delay: str) -> None:
    assert (subscribe(delay=delay).fields or {})["delay"] == delay


@pytest.mark.usefixtures("one_day")
def test_an_expiry_is_kept_with_all_its_digits() -> None:
    assert (subscribe(expiry="1/2/2099").fields or {})["expiry"] == "01/02/2099"
    today = f"{datetime.now(UTC):%d/%m/%Y}"
    assert (subscribe(expiry=today).fields or {})["expiry"] == today


def feed(**more: str) -> Draft:
    return order_types.parse_order(Terms(OrderType.DEFAULT, 10, 1000, dripfeed=True), {**FED, **more})


def test_a_drip_feed_is_charged_for_all_its_runs() -> None:
    assert feed() == Draft(LINK, 500, None, 5, 60)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"quantity": "1"}, "Quantity less than minimal 10"),
        ({"quantity": "201"}, "Quantity more than maximum 1000"),
        ({"quantity": "-1", "runs": "-100"}, "Quantity less than minimal 10"),
        ({"quantity": "9", "runs": "x"}, "Quantity less than minimal 10"),
        ({"runs": "x"}, "Incorrect runs"),
        ({"runs": "-5"}, "Incorrect runs"),
        ({"runs": "1001"}, "Incorrect runs"),
        ({"runs": ""}, "Incorrect runs"),
        ({"interval": ""}, "Incorrect interval"),
        ({"interval": "0"}, "Incorrect interval"),
        ({"interval": "1.5"}, "Incorrect interval"),
        ({"interval": "43201"}, "Incorrect interval"),
    ],
)
def test_what_is_wrong_with_a_drip_feed_is_told_by_its_name(wrong: dict[str, str], error: str) -> None:
    assert refusal(Terms(OrderType.DEFAULT, 10, 1000, dripfeed=True), {**FED, **wrong}) == error


def test_the_range_is_held_against_all_runs_together() -> None:
    assert feed(quantity="2").quantity == 10
    assert feed(quantity="200").quantity == 1000


@pytest.mark.parametrize("type_", [OrderType.CUSTOM_COMMENTS, OrderType.COMMENT_REPLIES])
def test_a_quantity_beside_a_list_is_ignored(type_: OrderType) -> None:
    asked = {"link": LINK, "username": "bob", "comments": "Yes\nNo", "quantity": "9999"}

    assert order_types.parse_order(terms(type_), asked).quantity == 2


def test_unknown_parameters_are_ignored() -> None:
    assert order_types.parse_order(terms(), {**BASE, "comments": "x", "panel": "y"}) == Draft(LINK, 100)


def test_errors_come_in_the_order_of_the_protocol() -> None:
    steps = [
        ({}, "Bad link"),
        ({"link": LINK}, "Incorrect quantity"),
        ({"quantity": "9"}, "Quantity less than minimal 10"),
        ({"quantity": "1001"}, "Quantity more than maximum 1000"),
        ({"quantity": "100"}, "Incorrect country"),
        ({"country": "DE"}, "Incorrect device"),
        ({"device": "1"}, "Incorrect type_of_traffic"),
        ({"type_of_traffic": "1"}, "Incorrect google_keyword"),
        ({"google_keyword": "desk"}, "Incorrect runs"),
    ]
    asked = {"runs": "some"}
    for given_now, error in steps:
        asked |= given_now
        assert refusal(Terms(OrderType.WEB_TRAFFIC, 10, 1000, dripfeed=True), asked) == error
    assert order_types.parse_order(Terms(OrderType.WEB_TRAFFIC, 10, 1000, dripfeed=True), {**asked, "runs": "1"})


@pytest.mark.parametrize(
    ("quantity", "error"),
    [
        ("-5", "Quantity less than minimal 10"),
        ("9", "Quantity less than minimal 10"),
        ("1001", "Quantity more than maximum 1000"),
        ("9" * 100, "Quantity more than maximum 1000"),
        ("9" * 101, "Incorrect quantity"),
        ("100.5", "Incorrect quantity"),
        ("100.000", "Incorrect quantity"),  # a hundred thousand in many countries
        ("1e2", "Incorrect quantity"),
        ("1_00", "Incorrect quantity"),
        ("１００", "Incorrect quantity"),
        ("ten", "Incorrect quantity"),
    ],
)
def test_a_wrong_quantity_is_told_by_what_is_wrong(quantity: str, error: str) -> None:
    assert refusal(Terms(OrderType.DEFAULT, 10, 1000), {**BASE, "quantity": quantity}) == error


@pytest.mark.parametrize("quantity", ["10", "0010", "1000"])
def test_both_ends_of_the_range_are_accepted(quantity: str) -> None:
    asked = {**BASE, "quantity": quantity}

    assert order_types.parse_order(Terms(OrderType.DEFAULT, 10, 1000), asked).quantity == int(quantity)


def test_a_list_is_held_against_the_range_by_its_lines() -> None:
    comments = Terms(OrderType.CUSTOM_COMMENTS, 2, 3)

    assert refusal(comments, {"link": LINK, "comments": "1"}) == "Quantity less than minimal 2"
    assert refusal(comments, {"link": LINK, "comments": "1\n2\n3\n4"}) == "Quantity more than maximum 3"


def test_the_range_does_not_bind_a_package() -> None:
    assert order_types.parse_order(Terms(OrderType.PACKAGE, 10, 1000), {"link": LINK, "quantity": "5"}).quantity == 1


@pytest.mark.parametrize("link", ["", "  ", "\n", "x" * 2001])
def test_a_link_that_is_empty_or_too_long_is_bad(link: str) -> None:
    assert refusal(terms(), {**BASE, "link": link}) == "Bad link"


def test_a_link_is_kept_without_the_blanks_around_it() -> None:
    assert order_types.parse_order(terms(), {**BASE, "link": f" {LINK}\n"}).link == LINK
    assert order_types.parse_order(terms(), {**BASE, "link": "x" * 2000}).link == "x" * 2000


@pytest.mark.parametrize(
    ("link", "good"),
    [
        ("https://example.test/alice", True),
        ("https://example.test/alice/2", False),
        ("see https://example.test/alice", False),
        ("https://elsewhere.test/alice", False),
    ],
)
def test_a_link_rule_is_for_the_whole_link(link: str, good: bool) -> None:
    ruled = terms(link_rule=r"https://example\.test/\w+")
    if good:
        assert order_types.parse_order(ruled, {**BASE, "link": link}).link == link
    else:
        assert refusal(ruled, {**BASE, "link": link}) == "Bad link"


def test_lines_are_kept_without_blanks_and_without_empty_ones() -> None:
    draft = order_types.parse_order(
        terms(OrderType.CUSTOM_COMMENTS), {"link": LINK, "comments": "\r\n one \r\n\r\n \ntwo, too\n"}
    )

    assert draft == Draft(LINK, 2, {"comments": "one\ntwo, too"})


@pytest.mark.parametrize("inside", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_nothing_but_lf_cr_and_both_separates_lines(inside: str) -> None:
    asked = {"link": LINK, "comments": f"one{inside}still one\ntwo"}

    assert order_types.parse_order(terms(OrderType.CUSTOM_COMMENTS), asked).quantity == 2


def test_a_list_has_a_limit() -> None:
    full = "\n".join("x" * 10_000)

    assert (
        order_types.parse_order(terms(OrderType.CUSTOM_COMMENTS), {"link": LINK, "comments": full}).quantity == 10_000
    )
    assert refusal(terms(OrderType.CUSTOM_COMMENTS), {"link": LINK, "comments": full + "\nx"}) == "Incorrect comments"


def test_a_text_has_a_limit() -> None:
    asked = {**BASE, "username": "x" * 2000}

    assert order_types.parse_order(terms(OrderType.COMMENT_LIKES), asked).fields == {"username": "x" * 2000}
    assert refusal(terms(OrderType.COMMENT_LIKES), {**asked, "username": "x" * 2001}) == "Incorrect username"


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "first"])
def test_an_answer_number_counts_from_one(number: str) -> None:
    assert refusal(terms(OrderType.POLL), {**BASE, "answer_number": number}) == "Incorrect answer_number"


@pytest.mark.parametrize(
    ("name", "choice"), [("device", "0"), ("device", "6"), ("type_of_traffic", "0"), ("type_of_traffic", "4")]
)
def test_a_choice_is_one_of_its_numbers(name: str, choice: str) -> None:
    assert refusal(terms(OrderType.WEB_TRAFFIC), {**TRAFFIC, name: choice}) == f"Incorrect {name}"


@pytest.mark.parametrize("runs", ["0", "1", "01"])
@pytest.mark.parametrize("interval", ["", "0", "60"])
def test_one_run_or_none_is_no_drip_feed(runs: str, interval: str) -> None:
    assert feed(runs=runs, interval=interval) == Draft(LINK, 100)


def test_runs_are_ignored_where_there_is_no_drip_feed() -> None:
    assert order_types.parse_order(terms(), {**BASE, "runs": "x", "interval": "y"}) == Draft(LINK, 100)
    assert order_types.parse_order(terms(OrderType.POLL, dripfeed=True), {**BASE, "answer_number": "1", "runs": "x"})


@given(
    type_=st.sampled_from(OrderType),
    asked=st.dictionaries(
        st.sampled_from(["link", "quantity", "runs", "interval", *order_types.PARAMETERS]),
        st.text() | st.integers(-10, 10_000).map(str),
    ),
)
def test_whatever_is_sent_is_a_draft_or_a_refusal(type_: OrderType, asked: dict[str, str]) -> None:
    with suppress(Refusal):
        assert order_types.parse_order(terms(type_, dripfeed=True), asked).quantity >= 1


@given(st.integers(-(10**30), 10**30))
def test_a_whole_number_is_read_as_it_is_written(number: int) -> None:
    assert order_types.whole(str(number)) == number
