"""Orders at providers, from the queue to their end: sent once, polled, refunded (docs/architecture.md, orders)."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from testkit.upstream.faults import Fault
from testkit.upstream.panel import KEY, Offer, Panel
from testkit.upstream.server import Reply, Upstream
from tests.conftest import Customer
from tests.fulfilment.conftest import MakeProvider, MakeRouted, order
from tradepost.database import engine_connection
from tradepost.engine import dispatching
from tradepost.fulfilment.tasks.visits import visit_provider, wake_due_visits
from tradepost.ledger.models import LedgerAccount
from tradepost.orders.models import Attempt, CancelRequest, Order, OrderEvent, Refill, UpstreamOrder
from tradepost.providers.models import PollRound, Provider

UNANSWERED = [
    Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.RESET_MIDWAY, Fault.ERROR_BEFORE, Fault.ERROR_AFTER,
    Fault.HTML_BEFORE, Fault.HTML_AFTER, Fault.EMPTY_BEFORE, Fault.EMPTY_AFTER, Fault.TRUNCATED, Fault.REDIRECT,
]  # fmt: skip
UNTIDY = [Fault.DELAY, Fault.SLOW_BODY, Fault.BOM, Fault.PHP_NOTICE, Fault.PRICE_CHANGE]


def state(order: int) -> tuple[str, str]:
    """Return the order's status and dispatch."""
    row = Order.objects.get(pk=order)
    return row.status, row.dispatch


def balance(customer: Customer) -> Decimal:
    amount = LedgerAccount.objects.get(account=customer.id).balance
    assert amount is not None
    return amount


def poll_again(provider: int) -> None:
    """Make every order due for polling again, and visit the provider."""
    PollRound.objects.filter(provider=provider).update(started_at=Now() - timedelta(days=1))
    visit_provider(provider)


def test_what_is_queued_is_sent_once_with_all_its_parameters(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    placed = order(alice, routed, times=5)
    assert [state(each) for each in placed] == [("Pending", "queued")] * 5
    visit_provider(provider)
    visit_provider(provider)
    assert [state(each) for each in placed] == [("Pending", "sent")] * 5
    accepted = upstream.panel.accepted
    assert sorted(each.parameters["link"] for each in accepted) == [
        f"https://pixelpond.example/{number}" for number in range(5)
    ]
    assert {each.parameters["quantity"] for each in accepted} == {"100"}
    ids = {str(each.order) for each in accepted}
    assert set(UpstreamOrder.objects.filter(order__in=placed).values_list("upstream_id", flat=True)) == ids


@pytest.mark.usefixtures("workers_at_rest")
def test_placing_wakes_a_worker_in_the_same_transaction(alice: Customer, provider: int, routed: int) -> None:
    order(alice, routed, times=3)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo'",
            [f"visit {provider}"],
        )
        assert cursor.fetchone() == (1,)


def test_how_orders_stand_is_followed_to_their_end(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    done, part, gone = order(alice, routed, times=3)
    visit_provider(provider)
    at = {each.parameters["link"][-1]: each.order for each in upstream.panel.accepted}
    upstream.panel.advance(at["0"], "In progress", remains=60, start_count=7)
    poll_again(provider)
    found = Order.objects.get(pk=done)
    assert (found.status, found.remains, found.start_count) == ("In progress", 60, 7)
    upstream.panel.advance(at["0"], "Completed")
    upstream.panel.advance(at["1"], "Partial", remains=25)
    upstream.panel.advance(at["2"], "Canceled")
    for _ in range(2):
        poll_again(provider)
    assert [state(each)[0] for each in (done, part, gone)] == ["Completed", "Partial", "Canceled"]
    assert [Order.objects.get(pk=each).refunded for each in (done, part, gone)] == [
        0, Decimal("0.0225"), Decimal("0.09"),
    ]  # fmt: skip
    assert not UpstreamOrder.objects.filter(order__in=[done, part, gone]).exists()
    assert Attempt.objects.get(order=done).cost == Decimal("0.09")


@pytest.mark.parametrize("fault", UNANSWERED)
def test_what_is_not_clearly_answered_is_unsure_and_never_sent_again(
    alice: Customer, upstream: Upstream, provider: int, routed: int, fault: Fault
) -> None:
    upstream.faults.script(fault)
    [placed] = order(alice, routed)
    for _ in range(3):
        visit_provider(provider)
        UpstreamOrder.objects.filter(order=placed).update(due_at=Now() - timedelta(days=1))
    assert state(placed) == ("Pending", "unsure")
    assert len(upstream.asked("add")) == 1
    [attempt] = Attempt.objects.filter(order=placed)
    assert attempt.state == "unsure"
    assert attempt.response
    assert attempt.request == {"service": "1", "link": "https://pixelpond.example/0", "quantity": "100"}


@pytest.mark.parametrize("fault", UNTIDY)
def test_what_is_answered_untidily_is_sent(
    alice: Customer, upstream: Upstream, provider: int, routed: int, fault: Fault
) -> None:
    upstream.faults.script(fault)
    [placed] = order(alice, routed)
    visit_provider(provider)
    assert state(placed) == ("Pending", "sent")


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.ERROR_AFTER, Fault.TRUNCATED, Fault.RESET_BEFORE])
def test_where_the_provider_takes_keys_the_unsure_is_settled_by_asking_again(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted, fault: Fault
) -> None:
    with Upstream(Panel(takes_idempotency_keys=True)) as tradepost:
        provider = make_provider(tradepost, supports_idempotency_keys=True)
        tradepost.faults.script(fault)
        [placed] = order(alice, make_routed(provider))
        visit_provider(provider)
        assert state(placed) == ("Pending", "unsure")
        UpstreamOrder.objects.filter(order=placed).update(due_at=Now())
        visit_provider(provider)
        assert state(placed) == ("Pending", "sent")
        [accepted] = tradepost.panel.accepted
        assert UpstreamOrder.objects.get(order=placed).upstream_id == str(accepted.order)


def test_an_order_answered_with_the_id_of_another_is_unsure(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [first] = order(alice, routed)
    visit_provider(provider)
    theirs = UpstreamOrder.objects.get(order=first).upstream_id
    [second] = order(alice, routed)
    upstream.canned.append(Reply(b'{"order":%s}' % theirs.encode()))
    visit_provider(provider)
    assert state(second) == ("Pending", "unsure")
    assert state(first) == ("Pending", "sent")


def test_a_definite_refusal_falls_through_to_the_next_route(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream(Panel(offers=())) as empty:
        first, second = make_provider(empty), make_provider()
        [placed] = order(alice, make_routed(first, second))
        visit_provider(first)
        assert state(placed) == ("Pending", "queued")
        visit_provider(second)
    assert state(placed) == ("Pending", "sent")
    assert list(Attempt.objects.filter(order=placed).values_list("provider", "state")) == [
        (first, "refused"),
        (second, "sent"),
    ]


def test_what_waits_for_a_route_that_is_closed_goes_another_way_or_is_given_back(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    from tradepost.providers.models import ProviderService, Route

    first, second = make_provider(), make_provider()
    both, only = make_routed(first, second), make_routed(first)
    [goes], [ends] = order(alice, both), order(alice, only)
    Route.objects.filter(service=both, provider_service__provider=first).update(is_active=False)
    ProviderService.objects.filter(routes__service=only).update(is_delisted=True)
    wake_due_visits(timestamp=0)
    assert UpstreamOrder.objects.get(order=goes).provider_id == second
    assert (state(goes), state(ends)) == (("Pending", "queued"), ("Canceled", "refused"))
    assert balance(alice) == Decimal("99.91")


def test_an_upstream_that_is_away_is_not_asked_about_one_order_after_the_other(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    visit_provider(provider)
    Provider.objects.filter(pk=provider).update(url="http://127.0.0.1:9/api/v2", balance_at=Now())
    poll_again(provider)
    found = Provider.objects.get(pk=provider)
    assert (found.failures, found.retry_at is not None) == (1, True)
    assert state(placed) == ("Pending", "sent")
    assert len(upstream.asked("add")) == 1


def test_what_is_unsure_never_falls_through(
    alice: Customer, upstream: Upstream, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream() as other:
        first, second = make_provider(), make_provider(other)
        upstream.faults.script(Fault.EMPTY_AFTER)
        [placed] = order(alice, make_routed(first, second))
        for provider in (first, second, first):
            visit_provider(provider)
        assert state(placed) == ("Pending", "unsure")
        assert other.asked("add") == []


@pytest.mark.parametrize(
    ("on_refusal", "expected"), [("cancel", ("Canceled", "refused")), ("hold", ("Pending", "refused"))]
)
def test_refused_by_every_route_it_is_canceled_or_held_as_its_service_says(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted, on_refusal: str, expected: tuple[str, str]
) -> None:
    with Upstream(Panel(offers=())) as empty:
        provider = make_provider(empty)
        [placed] = order(alice, make_routed(provider, on_refusal=on_refusal))
        visit_provider(provider)
    assert state(placed) == expected
    assert balance(alice) == (100 if on_refusal == "cancel" else Decimal("99.91"))
    assert OrderEvent.objects.filter(order=placed, note__contains="Incorrect service ID").exists()


def test_without_funds_upstream_orders_wait_and_an_alarm_is_raised(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream(Panel(balance=Decimal("0.10"))) as poor:
        provider = make_provider(poor)
        placed = order(alice, make_routed(provider), times=3)
        visit_provider(provider)
        visit_provider(provider)
        assert sorted(state(each)[1] for each in placed) == ["queued", "queued", "sent"]
        assert "Not enough funds" in Provider.objects.get(pk=provider).last_error
        poor.panel.balance = Decimal(100)
        Provider.objects.filter(pk=provider).update(retry_at=None)
        UpstreamOrder.objects.filter(provider=provider).update(due_at=Now())
        visit_provider(provider)
        assert [state(each)[1] for each in placed] == ["sent"] * 3
        assert len(poor.panel.accepted) == 3


def test_an_upstream_that_is_away_or_busy_leaves_orders_queued(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    upstream.retry_after = "30"
    upstream.faults.script(Fault.TOO_MANY)
    [placed] = order(alice, routed)
    visit_provider(provider)
    assert state(placed) == ("Pending", "queued")
    Provider.objects.filter(pk=provider).update(url="http://127.0.0.1:9/api/v2", retry_at=None)
    UpstreamOrder.objects.filter(order=placed).update(due_at=Now())
    visit_provider(provider)
    assert state(placed) == ("Pending", "queued")
    found = Provider.objects.get(pk=provider)
    assert found.last_error.startswith("not sent")
    assert found.failures == 1


def test_a_paused_provider_is_sent_nothing(alice: Customer, upstream: Upstream, provider: int, routed: int) -> None:
    Provider.objects.filter(pk=provider).update(is_paused=True)
    [placed] = order(alice, routed)
    visit_provider(provider)
    assert (state(placed), upstream.seen) == (("Pending", "queued"), [])


def test_an_order_canceled_in_the_queue_is_never_sent(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    from tradepost.engine.cancelling import CancelOf, cancel

    [placed] = order(alice, routed)
    with transaction.atomic():
        answers = cancel(engine_connection(), [CancelOf(by=alice.digest, orders=[str(placed)])], actor="api")
    assert answers == [[1]]
    visit_provider(provider)
    assert upstream.asked("add") == []
    assert balance(alice) == 100


def test_what_a_worker_was_sending_when_it_died_is_unsure(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    with transaction.atomic():
        assert len(dispatching.claim(engine_connection(), provider, limit=10)) == 1
    assert state(placed) == ("Pending", "sending")
    visit_provider(provider)
    assert state(placed) == ("Pending", "unsure")
    assert upstream.asked("add") == []


def test_a_person_settles_what_is_unsure(alice: Customer, upstream: Upstream, provider: int, routed: int) -> None:
    upstream.faults.script(Fault.HTML_AFTER, Fault.HTML_BEFORE)
    there, missing = order(alice, routed, times=2)
    visit_provider(provider)
    ids = {each.parameters["link"][-1]: str(each.order) for each in upstream.panel.accepted}
    place = {there: "0", missing: "1"}
    found = [each for each in (there, missing) if place[each] in ids]
    lost = [each for each in (there, missing) if place[each] not in ids]
    with transaction.atomic():
        raw = engine_connection()
        assert dispatching.confirm_sent(raw, found[0], ids[place[found[0]]], actor="charlie")
        assert not dispatching.confirm_sent(raw, lost[0], ids[place[found[0]]], actor="charlie")
        assert dispatching.send_again(raw, lost[0], actor="charlie")
        assert not dispatching.send_again(raw, found[0], actor="charlie")
    visit_provider(provider)
    assert [state(each)[1] for each in (there, missing)] == ["sent", "sent"]
    assert len(upstream.panel.accepted) == 2


def test_quantities_are_multiplied_and_remains_reckoned_back(
    alice: Customer, upstream: Upstream, provider: int, make_routed: MakeRouted
) -> None:
    [placed] = order(alice, make_routed(provider, multiplier="2", overflow_percent=10))
    visit_provider(provider)
    [accepted] = upstream.panel.accepted
    assert accepted.parameters["quantity"] == "220"
    upstream.panel.advance(accepted.order, "Partial", remains=120)
    poll_again(provider)
    found = Order.objects.get(pk=placed)
    assert (found.status, found.remains) == ("Partial", 50)


def test_what_goes_backwards_is_refused_and_noted_once(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    visit_provider(provider)
    [accepted] = upstream.panel.accepted
    upstream.panel.advance(accepted.order, "In progress")
    poll_again(provider)
    upstream.panel.advance(accepted.order, "Pending")
    for _ in range(3):
        poll_again(provider)
    assert state(placed) == ("In progress", "sent")
    assert OrderEvent.objects.filter(order=placed, note="the provider says Pending").count() == 1


def test_an_order_unknown_upstream_is_noted_and_stays(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    visit_provider(provider)
    upstream.panel.orders.clear()
    poll_again(provider)
    assert state(placed) == ("Pending", "sent")
    assert OrderEvent.objects.filter(order=placed, note__contains="Incorrect order ID").exists()


def test_the_same_id_at_two_providers_is_two_orders(
    alice: Customer, make_provider: MakeProvider, make_routed: MakeRouted
) -> None:
    with Upstream() as other:
        here, there = make_provider(), make_provider(other)
        [first], [second] = order(alice, make_routed(here)), order(alice, make_routed(there))
        visit_provider(here)
        visit_provider(there)
        ids = UpstreamOrder.objects.filter(order__in=[first, second]).values_list("upstream_id", flat=True)
        assert len(set(ids)) == 1
        other.panel.advance(int(ids[0]), "Completed")
        poll_again(here)
        poll_again(there)
    assert [state(each)[0] for each in (first, second)] == ["Pending", "Completed"]


def test_a_cancel_request_is_passed_on_and_settled_by_the_order(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    visit_provider(provider)
    asked = CancelRequest.objects.create(order_id=placed, account_id=alice.id)
    poll_again(provider)
    asked.refresh_from_db()
    assert len(upstream.asked("cancel")) == 1
    assert (asked.is_accepted_upstream, asked.state, state(placed)[0]) == (True, "accepted", "Canceled")
    assert balance(alice) == 100


def test_a_refill_is_passed_on_and_followed_to_its_end(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    [placed] = order(alice, routed)
    visit_provider(provider)
    [accepted] = upstream.panel.accepted
    upstream.panel.advance(accepted.order, "Completed")
    poll_again(provider)
    refill = Refill.objects.create(order_id=placed, account_id=alice.id)
    visit_provider(provider)
    refill.refresh_from_db()
    assert refill.upstream_id
    upstream.panel.refills = dict.fromkeys(upstream.panel.refills, "Completed")
    Refill.objects.filter(pk=refill.pk).update(polled_at=Now() - timedelta(hours=1))
    visit_provider(provider)
    refill.refresh_from_db()
    assert refill.status == "Completed"


def test_runs_of_a_drip_feed_go_to_the_provider(
    alice: Customer, upstream: Upstream, provider: int, routed: int
) -> None:
    from tradepost.fulfilment.tasks.drip_feeds import make_due_runs

    [placed] = order(alice, routed, runs="2", interval="60")
    assert state(placed) == ("Pending", "runs")
    make_due_runs(timestamp=0)
    visit_provider(provider)
    [made] = Order.objects.filter(parent=placed)
    assert (made.dispatch, made.quantity) == ("sent", 100)
    [accepted] = upstream.panel.accepted
    assert accepted.parameters.keys() == {"action", "service", "link", "quantity"}


def test_the_parameters_of_its_type_go_along(
    alice: Customer, upstream: Upstream, provider: int, make_routed: MakeRouted
) -> None:
    service = make_routed(provider, type="Custom Comments", min=1)
    order(alice, service, comments="one\ntwo")
    visit_provider(provider)
    [accepted] = upstream.asked("add")
    assert accepted.parameters["comments"] == "one\ntwo"
    assert "quantity" not in accepted.parameters


def test_a_subscription_is_watched_upstream_and_its_posts_are_mirrored(
    alice: Customer, upstream: Upstream, provider: int, make_routed: MakeRouted
) -> None:
    upstream.panel.offers = {1: Offer(1, type="Subscriptions")}
    service = make_routed(provider, type="Subscriptions", max=1000)
    wanted = {"username": "alice", "min": "10", "max": "20", "delay": "5", "posts": "3"}
    [placed] = order(alice, service, 1, **wanted)
    visit_provider(provider)
    assert state(placed) == ("Active", "sent")
    [asked] = upstream.asked("add")
    assert {name: asked.parameters[name] for name in wanted} == wanted
    [there] = upstream.panel.accepted
    one = {"key": KEY, "action": "add", "service": "1", "link": "x", "quantity": "20"}
    posts = [upstream.panel.answer(one)["order"] for _ in range(2)]
    upstream.canned += [
        Reply(
            msgspec.json.encode(
                {
                    str(there.order): {
                        "charge": "0.03",
                        "start_count": "0",
                        "status": "Active",
                        "remains": "60",
                        "currency": "USD",
                        "posts": "2",
                        "expiry": "",
                        "orders": posts,
                    }
                }
            )
        )
    ]
    poll_again(provider)
    made = Order.objects.filter(parent=placed).order_by("part")
    assert [(each.quantity, each.dispatch, each.mode) for each in made] == [(20, "sent", "post")] * 2
    assert [each.upstream.upstream_id for each in made] == [str(id_) for id_ in posts]
    upstream.panel.advance(posts[0], "Completed")
    upstream.panel.advance(posts[1], "Canceled", remains=20)
    upstream.panel.advance(there.order, "Completed")
    poll_again(provider)
    assert [state(each.pk)[0] for each in made] == ["Completed", "Canceled"]
    assert state(placed)[0] == "Completed"
    assert Order.objects.get(pk=placed).refunded == Decimal("0.036")


def test_the_balance_upstream_is_known(provider: int) -> None:
    visit_provider(provider)
    assert Provider.objects.get(pk=provider).balance == 1_000_000


def test_amounts_that_cannot_be_stop_nothing(alice: Customer, upstream: Upstream, provider: int, routed: int) -> None:
    beyond = Decimal("9" * 20)
    upstream.panel.balance = beyond
    [placed] = order(alice, routed)
    visit_provider(provider)
    [there] = upstream.panel.accepted
    there.charge = beyond
    upstream.panel.advance(there.order, "Completed")
    poll_again(provider)
    assert (Provider.objects.get(pk=provider).balance, Attempt.objects.get(order=placed).cost) == (None, None)
    assert state(placed)[0] == "Completed"
