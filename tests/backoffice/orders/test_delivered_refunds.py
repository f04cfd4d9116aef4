"""Refunds of delivered orders: left out unless asked for, with a reason, and within the limits of the person's role."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import me, member
from tests.backoffice.orders.test_bulk_actions import balance, carry_out, choose, outcomes, page, status
from tests.builders import place, settle
from tests.conftest import Customer
from tests.ledger.payment_staff import wish
from tradepost.engine.statuses import Status
from tradepost.ledger import payments
from tradepost.ledger.models import DeliveredRefund, PaymentLimit
from tradepost.orders.models import OrderNote

pytestmark = pytest.mark.usefixtures("workers_at_rest")

INCLUDED = {"with_delivered": "on", "reason": "Wrong country"}


@pytest.fixture
def delivered(alice: Customer, service: int) -> list[int]:
    """Three completed orders of Alice's, of 0.09 each."""
    made = place(alice.id, service, 3)
    for order in made:
        settle(order, status=Status.COMPLETED)
    return made


@pytest.fixture
def limited() -> Client:
    """A member of staff who may pay 1 at once and 0.18 in a day."""
    from django.contrib.auth.models import Group

    client = member("support")
    group = Group.objects.create(name=f"limited {me(client).pk}")
    PaymentLimit.objects.create(group=group, per_payment="1", per_day="0.18", approval_above="1")
    me(client).groups.add(group)
    return client


def test_delivered_orders_are_left_out_unless_they_are_included(
    staff: Client, alice: Customer, service: int, delivered: list[int]
) -> None:
    [under_way] = place(alice.id, service)
    action = choose(staff, "cancel", under_way, *delivered)
    preview = staff.get(page(action)).context["preview"]
    assert (preview.due, preview.reasons) == (1, {"was delivered": 3})
    carry_out(staff, action)
    assert [status(order) for order in (under_way, *delivered)] == ["Canceled", *["Completed"] * 3]


def test_including_them_is_marked_and_takes_a_reason(staff: Client, delivered: list[int]) -> None:
    action = choose(staff, "cancel", *delivered)
    without = staff.get(page(action), {"with_delivered": "on"})
    assert "Say why delivered orders are refunded." in without.content.decode()
    assert without.context["preview"] is None
    seen = staff.get(page(action), INCLUDED)
    assert (seen.context["preview"].delivered, strip_tags(seen.context["delivered_refund"])) == (3, "$0.27")
    assert "tp-danger" in seen.content.decode()
    carry_out(staff, action, with_delivered="on")
    assert {status(order) for order in delivered} == {"Completed"}


def test_each_refund_is_noted_on_its_order_with_the_reason(
    staff: Client, alice: Customer, delivered: list[int]
) -> None:
    action = carry_out(staff, choose(staff, "cancel", *delivered), **INCLUDED)
    assert action.done == 3
    assert balance(alice) == 100
    assert {note.text for note in OrderNote.objects.filter(order__in=delivered)} == {
        "Refunded although it was delivered: Wrong country"
    }
    refunds = DeliveredRefund.objects.filter(order__in=delivered)
    assert {(refund.amount, refund.reason, refund.refunded_by) for refund in refunds} == {
        (Decimal("0.09"), "Wrong country", action.created_by)
    }


def test_what_is_above_the_limit_of_the_day_stays_delivered(limited: Client, delivered: list[int]) -> None:
    action = choose(limited, "cancel", *delivered)
    reason = "was delivered, and your role's limit of the day leaves $0.00"
    assert limited.get(page(action), INCLUDED).context["preview"].reasons == {reason: 1}
    carry_out(limited, action, **INCLUDED)
    assert sorted(outcomes(action).values()) == [("done", ""), ("done", ""), ("skipped", reason)]


def test_refunds_and_payments_by_hand_share_the_limit_of_the_day(
    limited: Client, alice: Customer, delivered: list[int]
) -> None:
    carry_out(limited, choose(limited, "cancel", delivered[0]), **INCLUDED)
    assert payments.allowance(me(limited)).today == Decimal("0.09")
    payments.make(me(limited), wish(alice, "0.05"))
    action = carry_out(limited, choose(limited, "cancel", delivered[1]), **INCLUDED)
    assert action.done == 0
    with pytest.raises(payments.PaymentRefusedError, match=r"\$0.04 is left today"):
        payments.make(me(limited), wish(alice, "0.05"))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (None, "your role has no limit for payments yet"),
        (("0.05", "10", "10"), "your role may refund $0.05 of an order alone"),
        (("10", "10", "0.05"), "your role may refund $0.05 of an order alone"),
    ],
)
def test_a_role_refunds_no_more_of_one_order_than_it_may_pay_alone(
    delivered: list[int], limits: tuple[str, str, str] | None, reason: str
) -> None:
    from django.contrib.auth.models import Group

    client = member("support")
    if limits:
        group = Group.objects.create(name=f"small {me(client).pk}")
        names = ("per_payment", "per_day", "approval_above")
        PaymentLimit.objects.create(group=group, **dict(zip(names, limits, strict=True)))
        me(client).groups.add(group)
    action = carry_out(client, choose(client, "cancel", delivered[0]), **INCLUDED)
    assert outcomes(action) == {delivered[0]: ("skipped", f"was delivered, and {reason}")}


def test_a_completed_order_made_partial_is_a_refund_of_what_was_delivered(
    staff: Client, alice: Customer, delivered: list[int]
) -> None:
    action = choose(staff, "partial", *delivered)
    assert outcomes(carry_out(staff, action, remains="50"))[delivered[0]] == ("skipped", "was delivered")
    again = carry_out(staff, choose(staff, "partial", delivered[0]), remains="50", **INCLUDED)
    assert again.done == 1
    assert DeliveredRefund.objects.get(order=delivered[0]).amount == Decimal("0.045")
    rest = carry_out(staff, choose(staff, "cancel", delivered[0]), **INCLUDED)
    assert rest.done == 1
    assert sum(refund.amount for refund in DeliveredRefund.objects.filter(order=delivered[0])) == Decimal("0.09")
    assert balance(alice) == 100 - Decimal("0.18")


def test_the_page_of_a_delivered_order_refunds_it_for_a_reason(staff: Client, delivered: list[int]) -> None:
    address = reverse("admin:orders_order_refund_delivered", args=[delivered[0]])
    assert "This field is required" in staff.post(address, {"_form_submitted": "on"}).content.decode()
    response = staff.post(address, {"_form_submitted": "on", "reason": "Wrong country", "remains": "50"})
    assert response.headers["HX-Redirect"] == reverse("admin:orders_order_change", args=[delivered[0]])
    assert status(delivered[0]) == "Partial"
    assert OrderNote.objects.get(order=delivered[0]).author == me(staff)


def test_what_was_refunded_is_never_rewritten(staff: Client, delivered: list[int]) -> None:
    carry_out(staff, choose(staff, "cancel", delivered[0]), **INCLUDED)
    for rows in (DeliveredRefund.objects.filter(order=delivered[0]), OrderNote.objects.filter(order=delivered[0])):
        with pytest.raises(DatabaseError, match="never allowed"), transaction.atomic():
            rows.update(order=delivered[1])
        with pytest.raises(DatabaseError, match="never allowed"), transaction.atomic():
            rows.delete()
