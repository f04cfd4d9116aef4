"""Payments by hand: the limits, the approval by a second person, and money that moves only once."""

from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from psycopg import errors

from tests.conftest import Customer
from tests.ledger.payment_staff import approver, owner, payer, wish
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.ledger import operations, payments
from tradepost.ledger.models import LedgerAccount, ManualPayment, PaymentKind, PaymentLimit
from tradepost.ledger.payments import PaymentRefusedError


def balance(customer: Customer) -> Decimal | None:
    return LedgerAccount.objects.get(account=customer.id).balance


def stored(payment: ManualPayment) -> ManualPayment:
    return ManualPayment.objects.get(pk=payment.pk)


def test_a_payment_within_what_one_may_pay_alone_is_done_at_once(alice: Customer) -> None:
    maker = payer()
    payment = stored(payments.make(maker, wish(alice, "20")))
    assert (payment.state, balance(alice)) == ("done", Decimal(120))
    moved = payment.transfer
    assert moved
    assert (moved.kind, moved.amount, moved.debit_id, moved.actor, moved.note) == (
        "top-up", Decimal(20), 2, maker.email, "TR-1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "amount", "transfer"),
    [
        (PaymentKind.CORRECTION, "5", ("adjustment", 3, "TR-1")),
        (PaymentKind.CORRECTION, "-5", ("adjustment", 3, "TR-1")),
        (PaymentKind.BONUS, "5", ("adjustment", 3, "TR-1")),
    ],
)
def test_each_kind_comes_from_the_houses_own_account(
    alice: Customer, kind: PaymentKind, amount: str, transfer: tuple[str, int, str]
) -> None:
    moved = payments.make(owner(), wish(alice, amount, kind)).transfer
    assert moved
    house = moved.debit_id if moved.debit_id < 1000 else moved.credit_id
    assert (moved.kind, house, moved.note) == transfer
    assert balance(alice) == 100 + Decimal(amount)


def test_a_payment_above_waits_for_a_second_person_who_moves_it(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "20.00001"))
    assert (stored(payment).state, balance(alice)) == ("requested", Decimal(100))
    second = approver()
    payments.approve(second, payment.pk)
    done = stored(payment)
    assert (done.state, done.decided_by, balance(alice)) == ("done", second, Decimal("120.00001"))
    with pytest.raises(PaymentRefusedError, match="approved before"):
        payments.approve(approver(), payment.pk)
    with pytest.raises(PaymentRefusedError, match="approved before"):
        payments.reject(approver(), payment.pk, reason="late")
    assert balance(alice) == Decimal("120.00001")


def test_what_is_rejected_moves_nothing_and_stays_rejected(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    payments.reject(approver(), payment.pk, reason="no such transfer at the bank")
    with pytest.raises(PaymentRefusedError, match="rejected before"):
        payments.approve(approver(), payment.pk)
    assert (stored(payment).decision_reason, balance(alice)) == ("no such transfer at the bank", Decimal(100))


def test_nobody_approves_their_own(alice: Customer) -> None:
    from django.contrib.auth.models import Permission

    maker = payer()
    maker.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    payment = payments.make(maker, wish(alice, "50"))
    with pytest.raises(PaymentRefusedError, match="Somebody else"):
        payments.approve(Account.objects.get(pk=maker.pk), payment.pk)
    payments.reject(maker, payment.pk, reason="a slip of mine")  # they may withdraw their own request
    assert stored(payment).state == "rejected"


def test_nobody_approves_or_makes_what_their_own_account_is_paid() -> None:
    second = approver()
    payment = payments.make(payer(), wish(second.pk, "50"))
    with pytest.raises(PaymentRefusedError, match="Somebody else"):
        payments.approve(second, payment.pk)
    maker = payer()
    with pytest.raises(PaymentRefusedError, match="own account"):
        payments.make(maker, wish(maker.pk, "1"))


@pytest.mark.parametrize("decided_by", ["requested_by", "account"])
def test_the_database_refuses_what_its_maker_or_payee_has_approved(alice: Customer, decided_by: str) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    transfer = payments.make(owner(), wish(alice, "50")).transfer
    with pytest.raises(IntegrityError, match="payment_not_approved_by_its"), transaction.atomic():
        ManualPayment.objects.filter(pk=payment.pk).update(
            state="done", transfer=transfer, decided_by=getattr(payment, f"{decided_by}_id")
        )


def test_the_database_refuses_what_nobody_has_approved_or_what_moved_nothing(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    free = LedgerAccount.objects.get(account=alice.id).pk
    with pytest.raises(IntegrityError, match="payment_done_has_transfer"), transaction.atomic():
        ManualPayment.objects.filter(pk=payment.pk).update(state="done", decided_by=approver().pk)
    from tradepost.ledger.models import Transfer

    top_up = Transfer.objects.get(credit=free)
    with pytest.raises(IntegrityError, match="payment_approved_if_it_needs_to"), transaction.atomic():
        ManualPayment.objects.filter(pk=payment.pk).update(state="done", transfer=top_up)


@pytest.mark.parametrize(
    "change", ["amount = amount + 1", "account_id = requested_by_id", "reason = 'another'", "needs_approval = false"]
)
def test_a_payment_never_becomes_another_one(alice: Customer, change: str) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    with pytest.raises(errors.RestrictViolation), raw() as cursor:
        cursor.execute(f"UPDATE ledger_manualpayment SET {change} WHERE id = %s", [payment.pk])
    payments.reject(approver(), payment.pk, reason="no")
    with pytest.raises(errors.RestrictViolation), raw() as cursor:
        cursor.execute("UPDATE ledger_manualpayment SET state = 'requested' WHERE id = %s", [payment.pk])
    with pytest.raises(errors.RestrictViolation), raw() as cursor:
        cursor.execute("DELETE FROM ledger_manualpayment WHERE id = %s", [payment.pk])


def raw() -> Any:
    """Return a cursor that raises psycopg's errors, not Django's."""
    assert isinstance(connection.connection, psycopg.Connection)
    return connection.connection.cursor()


@pytest.mark.parametrize(("amount", "why"), [("100.01", "100.00 at once"), ("-100.01", "100.00 at once")])
def test_a_payment_above_the_roles_limit_is_refused(alice: Customer, amount: str, why: str) -> None:
    with pytest.raises(PaymentRefusedError, match=why):
        payments.make(payer(), wish(alice, amount, PaymentKind.CORRECTION))
    assert not ManualPayment.objects.filter(account=alice.id).exists()


@pytest.mark.usefixtures("one_day")
def test_what_a_person_pays_in_a_day_is_limited_up_and_down_asked_or_done(alice: Customer) -> None:
    maker = payer()
    payments.make(maker, wish(alice, "20"))
    payments.make(maker, wish(alice, "-20", PaymentKind.CORRECTION))
    asked = payments.make(maker, wish(alice, "100"))
    with pytest.raises(PaymentRefusedError, match=r"\$10\.00 is left today"):
        payments.make(maker, wish(alice, "10.01"))
    payments.reject(approver(), asked.pk, reason="no")
    payments.make(maker, wish(alice, "100"))


def test_a_role_without_limits_may_not_and_of_two_roles_the_larger_limit_holds(alice: Customer) -> None:
    maker = payer("5")
    other = payer("50", alone="50")
    maker.groups.add(*other.groups.all())
    assert payments.make(maker, wish(alice, "50")).state == "done"
    PaymentLimit.objects.filter(group__user=maker).delete()
    with pytest.raises(PaymentRefusedError, match="no limit"):
        payments.make(maker, wish(alice, "1"))


@pytest.mark.parametrize(
    ("may", "kind"),
    [
        ("top_up_account", PaymentKind.CORRECTION),
        ("top_up_account", PaymentKind.BONUS),
        ("correction", PaymentKind.TOP_UP),
        ("", PaymentKind.TOP_UP),
    ],
)
def test_whoever_may_make_one_kind_makes_no_other(alice: Customer, may: str, kind: PaymentKind) -> None:
    with pytest.raises(PaymentRefusedError, match="You may not"):
        payments.make(payer(permissions=may), wish(alice, "1", kind))


def test_whoever_may_not_approve_decides_nothing(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    with pytest.raises(PaymentRefusedError, match="may not approve"):
        payments.approve(payer(), payment.pk)
    with pytest.raises(PaymentRefusedError, match="may not reject"):
        payments.reject(payer(), payment.pk, reason="no")


def test_the_same_form_twice_pays_once(alice: Customer) -> None:
    maker, wanted = payer(), wish(alice, "20")
    assert payments.make(maker, wanted).pk == payments.make(maker, wanted).pk
    assert balance(alice) == 120


@pytest.mark.parametrize(
    "other", [{"amount": Decimal(19)}, {"kind": PaymentKind.BONUS}, {"account": 2}, {"amount": Decimal("20.00001")}]
)
def test_the_same_form_with_something_else_in_it_pays_nothing(alice: Customer, other: dict[str, Any]) -> None:
    maker, wanted = payer(), wish(alice, "20")
    payments.make(maker, wanted)
    with pytest.raises(PaymentRefusedError, match=r"has made a top-up of \$20\.00 before"):
        payments.make(maker, msgspec.structs.replace(wanted, **other))
    assert balance(alice) == 120


def test_a_correction_takes_no_more_than_there_is(alice: Customer) -> None:
    with pytest.raises(PaymentRefusedError, match=r"only \$100\.00 to take"):
        payments.make(owner(), wish(alice, "-100.00001", PaymentKind.CORRECTION))
    asked = payments.make(payer(), wish(alice, "-100", PaymentKind.CORRECTION))
    payments.make(owner(), wish(alice, "-1", PaymentKind.CORRECTION))
    with pytest.raises(PaymentRefusedError, match=r"only \$99\.00 to take"):
        payments.approve(approver(), asked.pk)
    assert (stored(asked).state, stored(asked).decided_by, balance(alice)) == ("requested", None, Decimal(99))
    payments.make(owner(), wish(alice, "1", PaymentKind.CREDIT))
    payments.approve(approver(), asked.pk)
    assert balance(alice) == -1


def test_a_mistaken_top_up_is_taken_back_once_and_linked(alice: Customer) -> None:
    boss = owner()
    mistake = payments.make(boss, wish(alice, "30"))
    back = payments.take_back(boss, mistake.pk, form_token=wish(alice, "1").form_token, reason="wrong customer")
    assert (back.corrects, back.amount, back.state, balance(alice)) == (mistake, Decimal(-30), "done", Decimal(100))
    with pytest.raises(PaymentRefusedError, match="has been taken back"):
        payments.take_back(boss, mistake.pk, form_token=wish(alice, "1").form_token, reason="again")
    with pytest.raises(PaymentRefusedError, match="Only what has been paid"):
        payments.take_back(boss, back.pk, form_token=wish(alice, "1").form_token, reason="again")


def test_taking_back_is_held_to_limits_too(alice: Customer) -> None:
    mistake = payments.make(owner(), wish(alice, "90"))
    back = payments.take_back(payer(), mistake.pk, form_token=wish(alice, "1").form_token, reason="wrong customer")
    assert (back.state, balance(alice)) == ("requested", Decimal(190))
    payments.reject(approver(), back.pk, reason="it was right")
    payments.take_back(owner(), mistake.pk, form_token=wish(alice, "1").form_token, reason="it was not")
    assert balance(alice) == 100


def test_a_test_account_is_paid_nothing(alice: Customer) -> None:
    keys.create(Account.objects.get(pk=alice.id), test=True)
    test = Account.objects.get(test_of=alice.id)
    with pytest.raises(PaymentRefusedError, match="play money"):
        payments.make(owner(), wish(test.pk, "5"))


def test_a_credit_limit_is_not_set_below_what_is_owed(alice: Customer) -> None:
    payments.make(owner(), wish(alice, "50", PaymentKind.CREDIT))
    payments.make(owner(), wish(alice, "-120", PaymentKind.CORRECTION))
    with pytest.raises(ValueError, match=r"It owes \$20\.00"):
        operations.lower_credit_limit(alice.id, Decimal("19.99999"))
    assert operations.lower_credit_limit(alice.id, Decimal(20)) == 50
    assert LedgerAccount.objects.get(account=alice.id).credit_limit == 20
