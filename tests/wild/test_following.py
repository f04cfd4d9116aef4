"""Statuses, balances, cancels and refills as panels of this trade answer them (docs/dialects.md)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.db.models.functions import Now

from testkit.upstream.panel import Panel
from testkit.upstream.server import Reply, Upstream
from tests.conftest import Customer
from tests.fulfilment.conftest import MakeProvider, MakeRouted, order
from tests.fulfilment.test_visits import balance, poll_again, state
from tradepost.database import in_transaction
from tradepost.engine import cancelling, refilling
from tradepost.engine.cancelling import CancelOf
from tradepost.engine.refilling import RefillOf
from tradepost.fulfilment import cancels_and_refills
from tradepost.fulfilment.tasks.provider_sync import sync_provider
from tradepost.fulfilment.tasks.visits import visit_provider, wake_due_visits
from tradepost.orders.models import Attempt, CancelRequest, Order, OrderEvent, Refill, UpstreamOrder
from tradepost.providers.models import Provider, ProviderService

LISTS_REFUSED = ("Order ID is required", "Incorrect order ID", "The order field is required.", "Invalid order id")


@pytest.fixture
def sent(alice: Customer, upstream: Upstream, provider: int, routed: int) -> list[int]:
    """Five orders of Alice at the upstream panel."""
    placed = order(alice, routed, times=5)
    visit_provider(provider)
    upstream.seen.clear()
    return placed


def ask_again(*models: Any) -> None:
    """Make every cancel request and refill due for its provider again."""
    for model in models:
        column = "forwarded_at" if model is CancelRequest else "polled_at"
        model.objects.exclude(**{column: None}).update(**{column: Now() - timedelta(days=1)})


def request_cancels(customer: Customer, orders: list[int]) -> list[Any]:
    requests = [CancelOf(by=customer.id, orders=[str(each) for each in orders])]
    [answers] = in_transaction(lambda raw: cancelling.cancel(raw, requests, actor="web"))
    return list(answers)  # type: ignore[arg-type]


def request_refills(customer: Customer, orders: list[int]) -> list[Any]:
    requests = [RefillOf(by=customer.id, orders=[str(each) for each in orders])]
    [answers] = in_transaction(lambda raw: refilling.refill(raw, requests))
    return list(answers)  # type: ignore[arg-type]


@pytest.mark.parametrize("words", LISTS_REFUSED)
def test_a_panel_that_knows_only_one_id_at_a_time_is_asked_so_and_remembered(
    upstream: Upstream, provider: int, sent: list[int], words: str
) -> None:
    upstream.panel.manners.lists_refused = words
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "In progress", remains=50)
    poll_again(provider)
    assert {state(each)[0] for each in sent} == {"In progress"}
    assert Provider.objects.get(pk=provider).single_id_actions == ["status"]
    upstream.seen.clear()
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    assert {state(each)[0] for each in sent} == {"Completed"}
    assert ["orders" in seen.parameters for seen in upstream.asked("status")] == [False] * 5


def test_one_bad_id_does_not_spoil_the_others(upstream: Upstream, provider: int, sent: list[int]) -> None:
    upstream.panel.manners.bad_id_spoils = True
    lost = next(iter(upstream.panel.orders))
    del upstream.panel.orders[lost]
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    [left] = UpstreamOrder.objects.filter(order__in=sent)
    assert (left.upstream_id, left.review_reason) == (str(lost), "status")
    assert [state(each)[0] for each in sent].count("Completed") == 4
    assert Provider.objects.get(pk=provider).single_id_actions == []
    assert len(upstream.asked("status")) <= 12


@pytest.mark.parametrize("action", ["cancel", "refill"])
def test_cancels_and_refills_are_passed_on_one_by_one_where_lists_are_refused(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int], action: str
) -> None:
    if action == "refill":
        for there in list(upstream.panel.orders):
            upstream.panel.advance(there, "Completed")
        poll_again(provider)
        request_refills(alice, sent)
    else:
        request_cancels(alice, sent)
    upstream.panel.manners.lists_refused = "Order ID is required"
    visit_provider(provider)
    if action == "refill":
        assert Refill.objects.filter(order__in=sent).exclude(upstream_id="").count() == 5
        upstream.panel.refills = dict.fromkeys(upstream.panel.refills, "Completed")
        ask_again(Refill)
        visit_provider(provider)
        assert set(Refill.objects.filter(order__in=sent).values_list("status", flat=True)) == {"Completed"}
    else:
        assert CancelRequest.objects.filter(order__in=sent, is_accepted_upstream=True).count() == 5
    assert action in Provider.objects.get(pk=provider).single_id_actions


def test_a_cancel_that_gets_no_clear_answer_is_a_persons_after_some_tries(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    upstream.panel.manners.no_such_action = frozenset({"cancel"})
    request_cancels(alice, sent[:1])
    failures = Provider.objects.get(pk=provider).failures
    for _ in range(cancels_and_refills.TRIES_MAX + 3):
        visit_provider(provider)
        ask_again(CancelRequest)
    [request] = CancelRequest.objects.filter(order=sent[0])
    assert (request.state, request.tries) == ("failed", cancels_and_refills.TRIES_MAX)
    assert "Incorrect request" in request.response
    asked = len(upstream.asked("cancel"))
    visit_provider(provider)
    assert len(upstream.asked("cancel")) == asked
    assert Provider.objects.get(pk=provider).failures > failures
    assert request_cancels(alice, sent[:1]) == [1]


def test_a_refill_that_gets_no_clear_answer_is_a_persons_after_some_tries(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    upstream.panel.manners.no_such_action = frozenset({"refill"})
    request_refills(alice, sent[:1])
    for _ in range(cancels_and_refills.TRIES_MAX + 2):
        visit_provider(provider)
        ask_again(Refill)
    [refill] = Refill.objects.filter(order=sent[0])
    assert refill.status == "Error"
    assert "Incorrect request" in refill.response
    [again] = request_refills(alice, sent[:1])
    assert isinstance(again, int)


def test_between_tries_a_provider_is_left_alone_longer_and_longer(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    upstream.panel.manners.no_such_action = frozenset({"cancel"})
    request_cancels(alice, sent[:1])
    visit_provider(provider)
    asked = len(upstream.asked("cancel"))
    CancelRequest.objects.filter(order=sent[0]).update(forwarded_at=Now() - timedelta(seconds=90), tries=1)
    visit_provider(provider)
    assert len(upstream.asked("cancel")) == asked
    CancelRequest.objects.filter(order=sent[0]).update(forwarded_at=Now() - timedelta(seconds=130), tries=1)
    visit_provider(provider)
    assert len(upstream.asked("cancel")) > asked


def test_a_cancel_that_the_provider_declines_is_rejected_with_its_words(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    request_cancels(alice, sent[:1])
    there = UpstreamOrder.objects.get(order=sent[0]).upstream_id
    entry = {"order": int(there), "cancel": {"error": "Order can't be canceled now"}}
    upstream.canned.append(Reply(msgspec.json.encode([entry])))
    visit_provider(provider)
    [request] = CancelRequest.objects.filter(order=sent[0])
    assert (request.state, request.response) == ("rejected", "Order can't be canceled now")


def test_each_of_several_requests_keeps_what_the_provider_said_about_it(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    request_refills(alice, sent[:4])
    ids = dict(Attempt.objects.filter(order__in=sent).values_list("order", "upstream_id"))
    said = [501, {"error": 'Too "early"\\'}, {"error": "{Not}, refillable"}, 502]
    entries = [{"order": ids[each], "refill": answer} for each, answer in zip(sent[:4], said, strict=True)]
    upstream.canned.append(Reply(msgspec.json.encode(entries)))
    visit_provider(provider)
    refills = Refill.objects.filter(order__in=sent).order_by("order_id")
    assert list(refills.values_list("upstream_id", "response")) == [
        ("501", ""),
        ("", 'Too "early"\\'),
        ("", "{Not}, refillable"),
        ("502", ""),
    ]


@pytest.mark.usefixtures("workers_at_rest")
def test_a_provider_is_looked_after_as_long_as_it_owes_a_refill(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int]
) -> None:
    for there in list(upstream.panel.orders):
        upstream.panel.advance(there, "Completed")
    poll_again(provider)
    assert not UpstreamOrder.objects.filter(provider=provider).exists()
    clear_visits = "DELETE FROM procrastinate_jobs WHERE queueing_lock = %s"
    with connection.cursor() as cursor:
        cursor.execute(clear_visits, [f"visit {provider}"])
        wake_due_visits(timestamp=0)
        cursor.execute("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s", [f"visit {provider}"])
        assert cursor.fetchone() is None
        request_refills(alice, sent[:1])
        wake_due_visits(timestamp=0)
        cursor.execute("SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s", [f"visit {provider}"])
        assert cursor.fetchone() == (1,)
        cursor.execute(clear_visits, [f"visit {provider}"])
    visit_provider(provider)
    assert Refill.objects.get(order=sent[0]).upstream_id


@pytest.mark.parametrize("answer", ["soon", {"status": "maintenance"}, ["?"], {"error": "balance is off"}])
def test_a_balance_that_cannot_be_read_does_not_keep_prices_from_being_followed(
    make_provider: MakeProvider, make_routed: MakeRouted, answer: Any
) -> None:
    with Upstream(Panel()) as upstream:
        provider = make_provider(upstream)
        make_routed(provider)
        upstream.panel.manners.balance = {"balance": answer} if isinstance(answer, str) else answer
        upstream.panel.offers[1].rate = Decimal("5.00")
        sync_provider(provider)
        found = Provider.objects.get(pk=provider)
        assert ProviderService.objects.get(provider=provider, upstream_id="1").rate == 5
        assert (found.sync_error, found.synced_at is not None) == ("", True)
        assert found.balance_error
        upstream.panel.manners.balance = None
        sync_provider(provider)
        found.refresh_from_db()
        assert found.balance_error == ""
        assert found.balance == 1_000_000


REMAINS = [{}, {"remains": None}, {"remains": "Unknown"}, {"remains": ""}, {"remains": "n/a"}]


@pytest.mark.parametrize("remains", REMAINS)
def test_a_partial_order_whose_remains_are_not_said_is_held_and_not_refunded(
    alice: Customer, upstream: Upstream, provider: int, sent: list[int], remains: dict[str, Any]
) -> None:
    _answer_statuses(upstream, sent, {"status": "Partial", "charge": "0.05", **remains})
    for _ in range(2):
        poll_again(provider)
    assert {state(each) for each in sent} == {("Pending", "sent")}
    assert balance(alice) == Decimal("99.55")
    assert reviews(sent) == {"no remains"}
    assert OrderEvent.objects.filter(order=sent[0], note__contains="not how much remains").count() == 1
    _answer_statuses(upstream, sent, {"status": "Partial", "remains": "40"})
    poll_again(provider)
    assert {state(each)[0] for each in sent} == {"Partial"}
    assert balance(alice) == Decimal("99.73")


def test_a_partial_order_whose_remains_were_said_before_is_refunded_by_them(
    upstream: Upstream, provider: int, sent: list[int]
) -> None:
    _answer_statuses(upstream, sent, {"status": "In progress", "remains": "30"})
    poll_again(provider)
    _answer_statuses(upstream, sent, {"status": "Partial"})
    poll_again(provider)
    assert {f"{each.status} {each.remains}" for each in Order.objects.filter(pk__in=sent)} == {"Partial 30"}


@pytest.mark.parametrize("status", ["Fail", "Error", "Rejected", "Failed", "Refund pending", "Manual review", "99"])
def test_an_end_that_is_not_known_stands_in_the_list_until_it_is_clear(
    upstream: Upstream, provider: int, sent: list[int], status: str
) -> None:
    _answer_statuses(upstream, sent, {"status": status, "remains": "0"})
    poll_again(provider)
    assert {state(each) for each in sent} == {("Pending", "sent")}
    assert reviews(sent) == {"status"}
    _answer_statuses(upstream, sent, {"status": "In progress", "remains": "10"})
    poll_again(provider)
    assert reviews(sent) == {""}


def reviews(orders: list[int]) -> set[str]:
    return set(UpstreamOrder.objects.filter(order__in=orders).values_list("review_reason", flat=True))


def _answer_statuses(upstream: Upstream, orders: list[int], standing: dict[str, Any]) -> None:
    ids = UpstreamOrder.objects.filter(order__in=orders).values_list("upstream_id", flat=True)
    body = msgspec.json.encode(dict.fromkeys(ids, standing))
    upstream.replies["status"] = Reply(body)
