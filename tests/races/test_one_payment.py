"""A waiting payment is paid once, however many people approve it at the same time; a person's daily limit holds."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from django.db import connections

from tests.conftest import Customer
from tests.ledger.payment_staff import approver, payer, wish
from tests.races.concurrency import all_at_once
from tradepost.ledger import payments
from tradepost.ledger.models import LedgerAccount, ManualPayment, Transfer
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
