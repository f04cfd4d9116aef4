"""Credit is given within the limits of payments: a second person, nobody's own account, nobody of the same rank."""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import browser_of, me, member, press, told
from tests.conftest import Customer
from tests.ledger.payment_staff import approver, owner, payer, wish
from tests.races.concurrency import all_at_once
from tests.races.test_one_payment import RACERS, tried
from tradepost.accounts.models import Account, AccountEvent
from tradepost.engine.money import ZERO
from tradepost.ledger import payments
from tradepost.ledger.models import LedgerAccount, ManualPayment, PaymentKind, Transfer
from tradepost.ledger.payments import PaymentRefusedError

CREDIT = PaymentKind.CREDIT
GIVES = "change_credit_limit"


def credit_of(account: int) -> Decimal:
    return LedgerAccount.objects.get(account=account).credit_limit


def giver(**limits: Any) -> Account:
    """Make a member of staff who may give credit, within limits."""
    return payer(**limits, permissions=GIVES)


def limit_credit(client: Client, account: int, limit: str, **fields: Any) -> Any:
    form = {"form_token": str(uuid4()), "limit": limit, "reason": "pays by invoice", **fields}
    return press(client, "limit_credit", account, **form)


def test_a_role_without_a_limit_for_payments_gives_no_credit(alice: Customer) -> None:
    response = limit_credit(member("manager"), alice.id, "99999999")
    assert "no limit for payments" in response.content.decode()
    assert credit_of(alice.id) == 0


def test_credit_above_the_limit_of_the_role_is_refused(alice: Customer) -> None:
    client = browser_of(giver())
    assert "may pay $100.00 at once" in limit_credit(client, alice.id, "100.01").content.decode()
    assert credit_of(alice.id) == 0


@pytest.mark.usefixtures("one_day")
def test_credit_and_payments_share_the_limit_of_the_day(alice: Customer) -> None:
    person = payer(permissions=f"{GIVES} top_up_account")
    payments.make(person, wish(alice, "90"))
    with pytest.raises(PaymentRefusedError, match=r"\$60\.00 is left today"):
        payments.make(person, wish(alice, "61", CREDIT))
    payments.make(person, wish(alice, "60", CREDIT))
    with pytest.raises(PaymentRefusedError, match=r"\$0\.00 is left today"):
        payments.make(person, wish(alice, "1"))


def test_credit_waits_for_a_second_person_and_is_given_once(alice: Customer) -> None:
    person = giver()
    client = browser_of(person)
    response = limit_credit(client, alice.id, "50")
    assert "waits for a second person" in told(client, response)
    payment = ManualPayment.objects.get(account=alice.id)
    assert (payment.kind, payment.state) == ("credit", "requested")
    assert (payment.amount, credit_of(alice.id)) == (Decimal(50), ZERO)
    with pytest.raises(PaymentRefusedError):
        payments.approve(person, payment.pk)
    second = member("owner")
    address = reverse("admin:ledger_manualpayment_approve", args=[payment.pk])
    for _ in range(2):
        second.post(address, {"_form_submitted": "on"})
    assert credit_of(alice.id) == 50
    assert not Transfer.objects.filter(manual_payment=payment.pk).exists()
    event = AccountEvent.objects.get(account=alice.id)
    assert (event.kind, event.before, event.after, event.actor) == ("credit limit", "0.00", "50.00", me(second).email)


def test_a_form_that_is_sent_twice_asks_once(alice: Customer) -> None:
    client, token = browser_of(giver()), str(uuid4())
    for _ in range(2):
        limit_credit(client, alice.id, "50", form_token=token)
    assert ManualPayment.objects.filter(account=alice.id).count() == 1
    unlimited, token = member("owner"), str(uuid4())
    for _ in range(2):
        limit_credit(unlimited, alice.id, "30", form_token=token)
    assert credit_of(alice.id) == 30


def test_of_many_who_approve_credit_at_once_one_gives_it(alice: Customer) -> None:
    payment = payments.make(giver(), wish(alice, "50", CREDIT))
    racers = [partial(tried, partial(payments.approve, approver(), payment.pk)) for _ in range(RACERS)]
    outcomes = all_at_once(racers)
    assert sorted(outcomes) == ["It was approved before."] * (RACERS - 1) + ["done"]
    assert credit_of(alice.id) == 50


def test_two_credits_that_are_approved_at_once_are_both_given(alice: Customer) -> None:
    waiting = [payments.make(giver(), wish(alice, "50", CREDIT)) for _ in range(2)]
    outcomes = all_at_once([partial(tried, partial(payments.approve, owner(), each.pk)) for each in waiting])
    assert outcomes == ["done", "done"]
    assert credit_of(alice.id) == 100


def test_nobody_gives_credit_to_their_own_account_or_rank() -> None:
    first, second = member("owner"), me(member("owner"))
    for account in (me(first), second, owner()):
        response = limit_credit(first, account.pk, "5")
        assert "Nobody gives credit" in response.content.decode()
        assert credit_of(account.pk) == 0
    below = me(member("support"))
    limit_credit(first, below.pk, "5")
    assert credit_of(below.pk) == 5


def test_nobody_approves_credit_for_their_own_account_or_rank() -> None:
    support = me(member("support"))
    payment = payments.make(_limited_owner(), wish(support.pk, "50", CREDIT))
    for person in (support, approver()):
        with pytest.raises(PaymentRefusedError):
            payments.approve(person, payment.pk)
    assert credit_of(support.pk) == 0
    payments.approve(owner(), payment.pk)
    assert credit_of(support.pk) == 50


def _limited_owner() -> Account:
    """Return staff with all that support may and more, and with limits for payments."""
    from django.contrib.auth.models import Permission

    person = giver()
    person.user_permissions.add(*Permission.objects.filter(group__name="manager"))
    return person


def test_the_database_refuses_credit_to_oneself(alice: Customer) -> None:
    payment = payments.make(giver(), wish(alice, "50", CREDIT))
    with pytest.raises(IntegrityError, match="payment_no_credit_to_oneself"), transaction.atomic():
        ManualPayment.objects.create(
            account=payment.requested_by, kind="credit", amount=5, reason="mine", requested_by=payment.requested_by,
            needs_approval=False,
        )  # fmt: skip


@pytest.mark.parametrize("amount", ["0", "-5"])
def test_credit_is_never_less_than_nothing(alice: Customer, amount: str) -> None:
    with pytest.raises(PaymentRefusedError):
        payments.make(owner(), wish(alice, amount, CREDIT))


def test_lowering_credit_is_free_and_raises_nothing(alice: Customer) -> None:
    payments.make(owner(), wish(alice, "50", CREDIT))
    client = member("manager")
    assert "HX-Redirect" in limit_credit(client, alice.id, "20").headers
    assert credit_of(alice.id) == 20
    assert "no limit for payments" in limit_credit(client, alice.id, "20.01").content.decode()
    assert credit_of(alice.id) == 20


def test_credit_is_offered_among_no_payments_of_money(alice: Customer) -> None:
    client = member("owner")
    fields = {"form_token": str(uuid4()), "kind": "credit", "amount": "5", "reason": "why"}
    assert press(client, "pay", alice.id, **fields).context["form"].errors["kind"]
    assert credit_of(alice.id) == ZERO


def test_credit_is_not_taken_back_by_a_correction(alice: Customer) -> None:
    payment = payments.make(owner(), wish(alice, "50", CREDIT))
    with pytest.raises(PaymentRefusedError, match="lower credit limit"):
        payments.take_back(owner(), payment.pk, form_token=uuid4(), reason="a slip")
