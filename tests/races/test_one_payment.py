"""A waiting payment is paid once, however many people approve it at the same time; a person's daily limit holds."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial

import pytest
from django.db import connections

from tests.conftest import Customer
from tests.engine.engine_calls import Connect
from tests.ledger.payment_staff import approver, owner, payer, wish
from tests.races.concurrency import all_at_once
from tests.races.test_one_bulk_batch import await_two_blocked
from tradepost.ledger import payments
from tradepost.ledger.models import LedgerAccount, ManualPayment, PaymentKind, Transfer
from tradepost.ledger.payments import PaymentRefusedError

RACERS = 8


def tried(work: Callable[[], object]) -> str:
    """Return the result, on a connection of the thread's own."""
    try:
        work()
    except PaymentRefusedError as refused:
        return str(refused)
    finally:
        connections.close_all()
    return "done"


def test_of_many_who_approve_a_payment_one_moves_its_money(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    racers = [partial(tried, partial(payments.approve, approver(), payment.pk)) for _ in range(RACERS)]
    outcomes = all_at_once(racers)

    assert sorted(outcomes) == ["It was approved before."] * (RACERS - 1) + ["done"]
    account = LedgerAccount.objects.get(account=alice.id)
    assert account.balance == Decimal(150)
    assert Transfer.objects.filter(credit=account).count() == 2


@pytest.mark.parametrize("kind", [PaymentKind.TOP_UP, PaymentKind.CREDIT])
def test_without_the_lock_both_would_pay_and_the_database_refuses_the_second(
    connect: Connect, alice: Customer, monkeypatch: pytest.MonkeyPatch, kind: PaymentKind
) -> None:
    """The control: both see that the payment waits, and the second pays when the first has."""
    monkeypatch.setattr(payments, "_lock_waiting", lambda payment: ManualPayment.objects.get(pk=payment))
    payment = payments.make(payer(permissions="top_up_account change_credit_limit"), wish(alice, "50", kind))
    holder = connect()
    holder.execute("SELECT FROM ledger_account WHERE account_id = %s FOR UPDATE", [alice.id])
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(tried, partial(payments.approve, owner(), payment.pk)) for _ in range(2)]
        await_two_blocked(connect())
        holder.commit()
        errors = [each.exception() for each in both]
    assert sorted(type(error).__name__ for error in errors) == ["IntegrityError", "NoneType"]
    account = LedgerAccount.objects.get(account=alice.id)
    assert (account.balance or 0) + account.credit_limit == Decimal(150)


def test_of_one_who_approves_and_one_who_rejects_one_decides(alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    approving = partial(payments.approve, approver(), payment.pk)
    rejecting = partial(payments.reject, approver(), payment.pk, reason="no")
    outcomes = all_at_once([partial(tried, approving), partial(tried, rejecting)])

    assert outcomes.count("done") == 1
    is_paid = LedgerAccount.objects.get(account=alice.id).balance == Decimal(150)
    assert (ManualPayment.objects.get(pk=payment.pk).state == "done") is is_paid is (outcomes[0] == "done")


@pytest.mark.usefixtures("one_day")
@pytest.mark.parametrize("same", [True, False])
def test_who_pays_many_times_at_once_stays_within_the_day_and_one_form_pays_once(
    alice: Customer, *, same: bool
) -> None:
    maker, form = payer("20", "50"), wish(alice, "20")
    wanted = [form if same else wish(alice, "20") for _ in range(RACERS)]
    outcomes = all_at_once([partial(tried, partial(payments.make, maker, each)) for each in wanted])

    paid = 1 if same else 2
    assert outcomes.count("done") == (RACERS if same else paid)
    assert LedgerAccount.objects.get(account=alice.id).balance == Decimal(100 + 20 * paid)
