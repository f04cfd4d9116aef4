"""Bulk actions: previewed first, then run by a worker within the engine's rules, once per order."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tradepost.engine.statuses import Status
from tradepost.fulfilment.tasks.bulk_actions import run_bulk_action
from tradepost.ledger.models import LedgerAccount
from tradepost.orders.models import BulkAction, BulkOrder, Order, OrderEvent

ORDERS = "admin:orders_order_changelist"

pytestmark = pytest.mark.usefixtures("workers_at_rest")


@pytest.fixture(autouse=True)
def no_jobs_left() -> Iterator[None]:
    """Delete the jobs that these tests queued, so that no worker runs them later."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queueing_lock LIKE 'bulk %' AND status = 'todo'")


def choose(client: Client, what: str, *orders: int, **more: str) -> BulkAction:
    """Tick orders and choose an action; return the preview."""
    form = {"action": what, "_selected_action": [str(order) for order in orders], **more}
    address = client.post(reverse(ORDERS), form).headers["Location"]
    assert client.get(address).status_code == 200
    return BulkAction.objects.get(pk=address.rstrip("/").split("/")[-2])


def page(action: BulkAction) -> str:
    return reverse("admin:orders_bulkaction_change", args=[action.pk])


def carry_out(client: Client, action: BulkAction, **options: str) -> BulkAction:
    """Confirm the action, then run the worker's task."""
    client.post(page(action), {"confirm": "yes", **options})
    run_bulk_action(action=action.pk)
    action.refresh_from_db()
    return action


def outcomes(action: BulkAction) -> dict[int, tuple[str, str]]:
    return {row.order_id: (row.outcome, row.note) for row in BulkOrder.objects.filter(action=action)}


def balance(customer: Customer) -> Decimal | None:
    return LedgerAccount.objects.get(account=customer.id).balance


def status(order: int) -> str:
    return Order.objects.get(pk=order).status


@pytest.fixture
def held(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order of Alice's that its provider has refused."""
    service = make_service(on_refusal="hold")
    offer = make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "declined", response="Bad link")
    return order


@pytest.fixture
def unsure(alice: Customer, make_service: Callable[..., int]) -> int:
    """An order of Alice's that may exist at its provider."""
    service = make_service()
    offer = make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "unsure", response="timeout")
    return order


def test_a_look_says_what_would_be_given_back_and_does_nothing(staff: Client, alice: Customer, service: int) -> None:
    first, second = place(alice.id, service, 2)
    settle(second, status=Status.CANCELED)
    action = choose(staff, "cancel", first, second)
    preview = staff.get(page(action)).context["preview"]
    assert (preview.due, preview.refund, preview.reasons) == (1, Decimal("0.09"), {"is Canceled": 1})
    assert (status(first), action.state) == ("Pending", "draft")


def test_orders_are_canceled_and_given_back_in_the_name_of_whoever_confirmed(
    staff: Client, alice: Customer, service: int
) -> None:
    first, second = place(alice.id, service, 2)
    action = carry_out(staff, choose(staff, "cancel", first, second))
    assert (action.state, action.done, action.skipped) == ("done", 2, 0)
    assert {status(first), status(second)} == {"Canceled"}
    assert balance(alice) == 100
    assert OrderEvent.objects.filter(order=first).latest("id").actor == action.created_by.email


def test_a_second_confirmation_changes_nothing(staff: Client, alice: Customer, service: int) -> None:
    action = carry_out(staff, choose(staff, "cancel", *place(alice.id, service)))
    ended = action.ended_at
    assert carry_out(staff, action).ended_at == ended


def test_only_who_looked_at_it_confirms_it(staff: Client, alice: Customer, service: int) -> None:
    action = choose(staff, "cancel", *place(alice.id, service))
    somebody_else = sign_in(is_staff=True, is_superuser=True)
    assert somebody_else.post(page(action), {"confirm": "yes"}).status_code == 403
    action.refresh_from_db()
    assert action.state == "draft"


def test_charlie_has_nothing_done_and_sees_none_of_it(
    staff: Client, charlie: Client, alice: Customer, service: int
) -> None:
    action = choose(staff, "cancel", *place(alice.id, service))
    assert charlie.get(page(action)).status_code == 403
    assert charlie.post(page(action), {"confirm": "yes"}).status_code == 403
    assert charlie.get(reverse("admin:orders_bulkaction_changelist")).status_code == 403


def test_a_partial_gives_back_what_remains(staff: Client, alice: Customer, service: int) -> None:
    told, untold = place(alice.id, service, 2)
    settle(told, status=Status.IN_PROGRESS, remains=25)
    action = carry_out(staff, choose(staff, "partial", told, untold))
    assert outcomes(action) == {
        told: ("done", ""),
        untold: ("skipped", "was not delivered at all: cancel it"),
    }
    assert balance(alice) == 100 - Decimal("0.18") + Decimal("0.0225")


def test_a_partial_may_be_told_what_remains_of_each(staff: Client, alice: Customer, service: int) -> None:
    small, large = place(alice.id, service)[0], place(alice.id, service, quantity="200")[0]
    action = choose(staff, "partial", small, large)
    assert staff.get(page(action), {"remains": "150"}).context["preview"].due == 1
    assert outcomes(carry_out(staff, action, remains="150"))[small][1] == "is for less than what is to remain"
    found = Order.objects.get(pk=large)
    assert (found.status, found.remains, found.refunded) == ("Partial", 150, Decimal("0.135"))


def test_orders_are_completed(staff: Client, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    carry_out(staff, choose(staff, "complete", order))
    assert (status(order), Order.objects.get(pk=order).remains) == ("Completed", 0)


def test_only_what_certainly_exists_nowhere_is_sent_again(
    staff: Client, alice: Customer, service: int, held: int, unsure: int
) -> None:
    [by_hand] = place(alice.id, service)
    action = carry_out(staff, choose(staff, "resend", held, unsure, by_hand))
    assert outcomes(action) == {
        held: ("done", ""),
        unsure: ("skipped", "may exist at its provider: settle it on its own page"),
        by_hand: ("skipped", "is not held"),
    }
    assert Order.objects.get(pk=held).dispatch == "queued"
    assert Order.objects.get(pk=unsure).dispatch == "unsure"


@pytest.mark.parametrize("what", ["cancel", "partial", "complete"])
def test_what_may_exist_at_its_provider_is_ended_on_its_own_page_only(staff: Client, unsure: int, what: str) -> None:
    action = carry_out(staff, choose(staff, what, unsure))
    assert outcomes(action) == {unsure: ("skipped", "may exist at its provider: settle it on its own page")}
    assert status(unsure) == "Pending"


@pytest.mark.parametrize("link", ["https://example.org/a b", "https://t.me/ AbCd", "alice\u202e", "\u200b"])
def test_a_link_that_no_order_could_have_is_not_written(
    staff: Client, alice: Customer, service: int, link: str
) -> None:
    [order] = place(alice.id, service)
    action = carry_out(staff, choose(staff, "edit_link", order), link=link)
    assert outcomes(action) == {order: ("skipped", "would have a link that its service does not take")}


def test_a_stored_pattern_that_is_none_takes_no_link(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    from tradepost.catalog.models import Service

    service = make_service()
    [order] = place(alice.id, service)
    Service.objects.filter(pk=service).update(link_pattern="(?=a)")
    action = carry_out(staff, choose(staff, "edit_link", order), link="https://example.org/a")
    assert outcomes(action) == {order: ("skipped", "would have a link that its service does not take")}


def test_a_link_is_mended_while_nobody_has_begun(staff: Client, alice: Customer, service: int, held: int) -> None:
    waiting, begun = place(alice.id, service, 2)
    settle(begun, status=Status.IN_PROGRESS)
    action = choose(staff, "edit_link", waiting, begun, held)
    assert staff.get(page(action)).context["preview"] is None, "nothing is asked for yet"
    carry_out(staff, action, find="example.com", link="example.org")
    assert outcomes(action)[begun] == ("skipped", "has been begun or sent")
    assert {Order.objects.get(pk=order).link for order in (waiting, held)} == {"https://example.org/page"}
    assert OrderEvent.objects.filter(order=waiting).latest("id").note == "link was https://example.com/page"


def test_a_link_has_to_fit_its_service_and_be_the_only_one(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    strict = make_service(link_pattern=r"https://example\.com/.*")
    single = make_service(one_order_per_link=True)
    [wrong] = place(alice.id, strict)
    [first] = place(alice.id, single, link="https://example.org/a")
    [second] = place(alice.id, single, link="https://example.com/a")
    action = choose(staff, "edit_link", wrong, first, second)
    carry_out(staff, action, find="example.com", link="example.org")
    assert outcomes(action)[wrong][1] == "would have a link that its service does not take"
    assert outcomes(action)[first][1] == "would keep its link"
    assert outcomes(action)[second] == ("skipped", "has moved on meanwhile")
    assert Order.objects.get(pk=second).link == "https://example.com/a"


def test_a_drip_feed_is_stopped_and_says_so_beforehand(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    [dripfeed] = place(alice.id, make_service(dripfeed=True), runs="3", interval="60")
    action = choose(staff, "cancel", dripfeed)
    preview = staff.get(page(action)).context["preview"]
    assert (preview.refund, preview.is_exact) == (Decimal("0.27"), False)
    carry_out(staff, action)
    assert balance(alice) == 100


def test_a_stopped_action_does_no_further_batch(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.database import in_transaction
    from tradepost.orders.bulk_actions import executor

    orders = place(alice.id, service, 3)
    action = choose(staff, "cancel", *orders)
    staff.post(page(action), {"confirm": "yes"})
    in_transaction(lambda raw: executor.run_batch(raw, action.pk, limit=1))
    staff.post(page(action), {"stop": "yes"})
    run_bulk_action(action=action.pk)
    action.refresh_from_db()
    assert (action.state, action.done) == ("stopped", 1)
    assert [status(order) for order in orders] == ["Canceled", "Pending", "Pending"]


def test_what_a_worker_left_is_gone_on_with(staff: Client, alice: Customer, service: int) -> None:
    from datetime import timedelta

    from django.db.models.functions import Now
    from procrastinate.contrib.django.models import ProcrastinateJob

    from tradepost.fulfilment.tasks.bulk_actions import resume_bulk_actions

    action = choose(staff, "cancel", *place(alice.id, service))
    staff.post(page(action), {"confirm": "yes"})
    jobs = ProcrastinateJob.objects.filter(queueing_lock=f"bulk {action.pk}", status="todo")
    assert jobs.count() == 1
    resume_bulk_actions(timestamp=0)
    assert jobs.count() == 1, "it was queued a moment ago"
    ProcrastinateJob.objects.filter(pk__in=jobs).update(queueing_lock="lost", status="failed")
    BulkAction.objects.filter(pk=action.pk).update(progressed_at=Now() - timedelta(minutes=1))
    resume_bulk_actions(timestamp=0)
    assert jobs.count() == 1


def fail_at(order: int, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the engine fail when it settles this order."""
    from tradepost.engine import settling

    real = settling.settle

    def settle_but(connection: Any, reports: Any, *, actor: str) -> Any:
        if any(report.order == order for report in reports):
            raise error
        return real(connection, reports, actor=actor)

    monkeypatch.setattr(settling, "settle", settle_but)


@pytest.mark.parametrize(
    "failure",
    [
        (IntegrityError("no"), "no"),
        (psycopg.errors.CheckViolation("no"), "no"),
        (KeyError("what"), "failed for a reason that is in the worker's log: KeyError"),
    ],
)
def test_an_order_that_cannot_be_changed_fails_alone(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch, failure: tuple[Exception, str]
) -> None:
    error, note = failure
    bad, good = place(alice.id, service, 2)
    action = choose(staff, "complete", bad, good)
    fail_at(bad, error, monkeypatch)
    carry_out(staff, action)
    assert outcomes(action) == {bad: ("failed", note), good: ("done", "")}
    assert (action.state, action.failed) == ("done", 1)


@pytest.mark.parametrize("error", [OperationalError("gone"), psycopg.OperationalError("gone")])
def test_a_database_that_is_gone_fails_no_order(
    staff: Client, alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    [order] = place(alice.id, service)
    action = choose(staff, "complete", order)
    with monkeypatch.context() as patched:
        fail_at(order, error, patched)
        with pytest.raises(type(error)):
            carry_out(staff, action)
    assert outcomes(action) == {order: ("waiting", "")}
    run_bulk_action(action=action.pk)
    assert outcomes(action) == {order: ("done", "")}


def test_all_that_match_are_chosen(staff: Client, alice: Customer, bob: Customer, service: int) -> None:
    mine, other = place(alice.id, service, 3), place(bob.id, service)
    address = f"{reverse(ORDERS)}?account={alice.id}"
    form = {"action": "cancel", "_selected_action": [str(mine[0])], "select_across": "1"}
    assert staff.post(address, form).status_code == 302
    assert set(outcomes(BulkAction.objects.latest("id"))) == set(mine)
    assert other


def test_progress_is_asked_for_while_it_runs(staff: Client, alice: Customer, service: int) -> None:
    action = choose(staff, "cancel", *place(alice.id, service))
    staff.post(page(action), {"confirm": "yes"})
    part = reverse("admin:orders_bulkaction_progress", args=[action.pk])
    assert f'hx-get="{part}"' in staff.get(page(action)).content.decode()
    run_bulk_action(action=action.pk)
    shown = staff.get(part).content.decode()
    assert "hx-get" not in shown
    assert 'value="100"' in shown
