"""How often a key may ask: what is said along with each answer, and what becomes of a request too many."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import asking
from tests.api.api_calls import LINK
from tests.conftest import Customer, Desk, start_desk, stop_desk
from tests.waiting import in_one_go, until
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.api.rate_limit import MINUTE_NS, SECOND_NS, Limiter
from tradepost.orders.models import Order

LIMIT = 3
BACK_SECONDS = 60 / LIMIT  # until one of them may be made again
KEY = b"key"
TOLD = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def ask(desk: Desk, key: str, action: str = "balance", **parameters: Any) -> httpx2.Response:
    """Send a request, and return its answer whatever it is."""
    return asking.post(desk.api_url, data={"key": key, "action": action, **parameters})


def asked_until(desk: Desk, key: str, is_so: Callable[[httpx2.Response], bool]) -> httpx2.Response:
    """Ask until an answer is so, as it is once the server knows of the key's own limit; return that answer."""

    def answered() -> list[httpx2.Response]:
        response = ask(desk, key)
        return [response] if is_so(response) else []

    return until(answered, "the answers are so")[0]


@pytest.fixture(scope="module")
def strict() -> Iterator[Desk]:
    """A desk on the test database that allows 3 requests a minute."""
    running = start_desk(TRADEPOST_REQUESTS_A_MINUTE=str(LIMIT))
    yield running
    assert stop_desk(running) == 0


def ask_at_once(
    desk: Desk, key_of: Callable[[], str], times: int, action: str = "balance", **parameters: Any
) -> list[httpx2.Response]:
    """Send so many requests by a new key, the last of them before the first one's may be made again."""

    def ask_all() -> list[httpx2.Response]:
        key = key_of()
        return [ask(desk, key, action, **parameters) for _ in range(times)]

    return in_one_go(ask_all, seconds=BACK_SECONDS)


@pytest.fixture
def new_key(make_customer: Callable[..., Customer]) -> Callable[[], str]:
    """Make customers, and return the key of each."""
    return lambda: make_customer().key


def test_a_request_too_many_is_refused_as_plain_text(strict: Desk, new_key: Callable[[], str]) -> None:
    *answers, refused = ask_at_once(strict, new_key, LIMIT + 1)
    assert [answer.status_code for answer in answers] == [200] * LIMIT
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "text/plain; charset=utf-8"
    assert "{" not in refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["x-ratelimit-limit"] == "3"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert int(refused.headers["x-ratelimit-reset"]) > 0


def test_every_answer_tells_what_is_left(strict: Desk, new_key: Callable[[], str]) -> None:
    def ask_thrice() -> list[httpx2.Response]:
        key = new_key()
        return [ask(strict, key, action) for action in ("balance", "nonsense", "services")]

    answers = in_one_go(ask_thrice, seconds=BACK_SECONDS)
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"3"}
    resets = [int(answer.headers["x-ratelimit-reset"]) for answer in answers]
    assert resets == sorted(resets)
    assert not any("retry-after" in answer.headers for answer in answers)


def test_nothing_is_ordered_by_a_request_too_many(
    strict: Desk, make_customer: Callable[..., Customer], service: int
) -> None:
    made: list[Customer] = []

    def new_key() -> str:
        made.append(make_customer())
        return made[-1].key

    answers = ask_at_once(strict, new_key, LIMIT + 2, "add", service=service, link=LINK, quantity=100)
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert Order.objects.filter(account=made[-1].id).count() == LIMIT


def test_another_key_is_not_held_up(strict: Desk, new_key: Callable[[], str], bob: Customer) -> None:
    assert ask_at_once(strict, new_key, LIMIT + 2)[-1].status_code == 429
    assert ask(strict, bob.key).headers["x-ratelimit-remaining"] == "2"


def test_two_keys_of_an_account_are_counted_apart(strict: Desk, alice: Customer) -> None:
    other = keys.create(Account.objects.get(pk=alice.id))
    ask(strict, alice.key)
    assert ask(strict, other).headers["x-ratelimit-remaining"] == "2"


def test_an_unknown_key_is_held_to_the_default(strict: Desk) -> None:
    numbers = itertools.count(1)
    answers = ask_at_once(strict, lambda: f"tp_live_made_up_{next(numbers)}", LIMIT + 1)
    assert answers[0].json() == {"error": "Invalid API key"}
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]


def test_a_limit_of_its_own_holds_for_a_key(strict: Desk, make_customer: Callable[..., Customer]) -> None:
    customer = make_customer(requests_a_minute=50)
    answer = asked_until(strict, customer.key, lambda answer: answer.headers["x-ratelimit-limit"] == "50")
    assert int(answer.headers["x-ratelimit-remaining"]) < 50


def test_a_limit_may_be_changed_while_a_key_is_in_use(desk: Desk, alice: Customer) -> None:
    key = Key.objects.get(account=alice.id)
    keys.set_limit(key.pk, 70)
    asked_until(desk, alice.key, lambda answer: answer.headers["x-ratelimit-limit"] == "70")
    keys.set_limit(key.pk, None)
    asked_until(desk, alice.key, lambda answer: answer.headers["x-ratelimit-limit"] == "6000")


def test_a_key_without_limit_is_told_of_none(strict: Desk, make_customer: Callable[..., Customer]) -> None:
    customer = make_customer(requests_a_minute=0)
    asked_until(strict, customer.key, lambda answer: "x-ratelimit-limit" not in answer.headers)
    for _ in range(LIMIT + 1):
        answer = ask(strict, customer.key)
        assert answer.status_code == 200
        assert not any(name in answer.headers for name in TOLD)


def test_a_desk_may_limit_nobody_but_keys_with_a_limit_of_their_own(
    alice: Customer, make_customer: Callable[..., Customer]
) -> None:
    limited = make_customer(requests_a_minute=1)
    desk = start_desk(TRADEPOST_REQUESTS_A_MINUTE="0")
    try:
        answer = ask(desk, alice.key)
        assert answer.status_code == 200
        assert not any(name in answer.headers for name in TOLD)
        asked_until(desk, limited.key, lambda answer: answer.status_code == 429)
    finally:
        stop_desk(desk)


@given(limit=st.integers(1, 200), pauses=st.lists(st.just(0) | st.integers(0, MINUTE_NS // 50), max_size=300))
def test_no_window_ever_has_more_than_the_limit_and_what_came_back(limit: int, pauses: list[int]) -> None:
    limiter, now, granted = Limiter(limit), 0, []
    for pause in pauses:
        now += pause
        allowance = limiter.take(KEY, now)
        assert allowance
        assert 0 <= allowance.remaining < limit
        if not allowance.retry_in_seconds:
            granted.append(now)
    for first, start in enumerate(granted):
        for count, end in enumerate(granted[first:], start=1):
            assert count * MINUTE_NS <= limit * (MINUTE_NS + end - start)


@given(limit=st.integers(1, 500), start=st.integers(0, 2**63))
def test_the_whole_minute_may_be_used_at_once_and_comes_back(limit: int, start: int) -> None:
    limiter = Limiter(limit)
    for now in (start, start + MINUTE_NS + SECOND_NS):
        taken = [limiter.take(KEY, now) for _ in range(limit + 1)]
        assert [each.remaining for each in taken if each] == [*reversed(range(limit)), 0]
        assert [each.retry_in_seconds > 0 for each in taken if each] == [False] * limit + [True]


@given(limit=st.integers(1, 500))
def test_who_waits_as_long_as_told_is_served(limit: int) -> None:
    limiter = Limiter(limit)
    refused = [limiter.take(KEY, 0) for _ in range(limit + 1)][-1]
    assert refused
    now = refused.retry_in_seconds * SECOND_NS
    served = limiter.take(KEY, now)
    assert served
    assert not served.retry_in_seconds
    whole = limiter.take(KEY, now + served.whole_in_seconds * SECOND_NS)
    assert whole
    assert whole.remaining == limit - 1


def test_a_new_limit_leaves_used_what_was_used() -> None:
    limiter = Limiter(10)
    for _ in range(5):
        limiter.take(KEY, 0)
    limiter.set_limit(KEY, 100)
    allowance = limiter.take(KEY, 0)
    assert allowance
    assert (allowance.limit, allowance.remaining) == (100, 49)
    limiter.set_limit(KEY, 0)
    assert limiter.take(KEY, 0) is None
    limiter.set_limit(KEY, None)
    allowance = limiter.take(KEY, 0)
    assert allowance
    assert (allowance.limit, allowance.remaining) == (10, 3)


def test_a_flood_of_made_up_keys_neither_grows_nor_drives_out_who_keeps_asking() -> None:
    limiter = Limiter(1, keys_max=100)
    limiter.set_limit(KEY, 5)
    for number in range(1_000):
        limiter.take(b"made up %d" % number, 0)
        if number % 50 == 0:
            limiter.take(KEY, 0)
        assert len(limiter) <= 200
    allowance = limiter.take(KEY, 0)
    assert allowance
    assert (allowance.limit, allowance.remaining) == (5, 0)
    assert allowance.retry_in_seconds == 12
