"""Payments by hand: how much who may pay, whom they wait for, and that each moves its money once.

1. Whoever makes one is locked, so that what they pay in a day is counted right; the same form twice is one payment.
2. What is above their limits is refused. What is above what they may pay alone is asked for and waits.
3. A second person approves or rejects it. The payment is locked, so that of two who decide one comes second.
4. Its money moves, by the ledger, in the transaction that makes it done: a payment that the ledger refuses stays as
   it was.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Abs
from django.utils import timezone

from tradepost.accounts.models import Account
from tradepost.database import engine_connection
from tradepost.engine import ledger, money
from tradepost.engine.errors import NotEnoughFunds
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.money import ZERO
from tradepost.ledger.models import LedgerAccount, ManualPayment, PaymentKind, PaymentLimit, PaymentState

PERMISSIONS = {
    PaymentKind.TOP_UP: "ledger.top_up_account",
    PaymentKind.CORRECTION: "ledger.correct_balance",
    PaymentKind.BONUS: "ledger.correct_balance",
}
APPROVE = "ledger.approve_payment"
SET_LIMITS = "ledger.change_paymentlimit"  # whoever may set the limits is bound by none
ENDLESS = Decimal("Infinity")


class PaymentRefusedError(TradepostError):
    """A payment is not made, or not decided on; `str()` is a sentence that says why."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to pay. `reason` is for staff, `reference` for the customer's statement."""

    form_token: UUID
    account: int
    kind: PaymentKind
    amount: Decimal
    reason: str
    reference: str = ""
    corrects: int | None = None


class Allowance(msgspec.Struct, frozen=True):
    """How much somebody may pay: at once, in what is left of the day, and without a second person."""

    at_once: Decimal
    today: Decimal
    alone: Decimal


def kinds_of(person: Account) -> list[PaymentKind]:
    """Return the kinds of payments that somebody may make."""
    return [kind for kind in PaymentKind if person.has_perm(PERMISSIONS[kind])]


def allowance(person: Account) -> Allowance:
    """Return how much somebody may pay now: the most that any of their roles may."""
    if person.has_perm(SET_LIMITS):
        return Allowance(ENDLESS, ENDLESS, ENDLESS)
    limits = PaymentLimit.objects.filter(group__user=person).aggregate(
        at_once=Max("per_payment", default=ZERO),
        a_day=Max("per_day", default=ZERO),
        alone=Max("approval_above", default=ZERO),
    )
    paid = ManualPayment.objects.filter(requested_by=person, requested_at__gte=_today()).exclude(
        state=PaymentState.REJECTED.value
    )
    today = paid.aggregate(total=Sum(Abs("amount"), default=ZERO))["total"]
    return Allowance(limits["at_once"], max(limits["a_day"] - today, ZERO), limits["alone"])


def why_not(person: Account, wish: Wish) -> str:
    """Return why somebody may not make a payment; nothing if they may, or have made it: sent again, it is the same."""
    try:
        if _made(person, wish):
            return ""
    except PaymentRefusedError as refused:
        return str(refused)
    return _forbidden(person, wish)


def _made(person: Account, wish: Wish) -> ManualPayment | None:
    """Return the payment that somebody has made by this form. Raises `PaymentRefusedError` if it is another one."""
    known = ManualPayment.objects.filter(form_token=wish.form_token, requested_by=person).first()
    if known and (known.account_id, known.kind, known.amount) != (wish.account, wish.kind.value, wish.amount):
        raise PaymentRefusedError(
            f"This form has made a {known.kind} of {money.show(known.amount)} before: begin again for another payment."
        )
    return known


def _forbidden(person: Account, wish: Wish) -> str:
    if not person.has_perm(PERMISSIONS[wish.kind]):
        return f"You may not make a {wish.kind.value}."
    if wish.account == person.pk and not person.has_perm(SET_LIMITS):
        return "Nobody pays their own account."
    if Account.objects.filter(pk=wish.account, test_of__isnull=False).exists():
        return "A test account has play money only."
    return _beyond(allowance(person), abs(wish.amount))


def _beyond(allowed: Allowance, amount: Decimal) -> str:
    if not allowed.at_once:
        return "Your role has no limit for payments yet, so it may make none. An owner sets it under Payment limits."
    if amount > allowed.at_once:
        return f"Your role may pay {money.show(allowed.at_once)} at once."
    if amount > allowed.today:
        return f"Of what your role may pay in a day, {money.show(allowed.today)} is left today."
    return ""


@transaction.atomic
def make(person: Account, wish: Wish) -> ManualPayment:
    """Make a payment; it is done, or waits for a second person. The same wish again is the same payment.

    Raises `PaymentRefusedError`; also for a wish of the same form that differs in account, kind or amount.
    """
    Account.objects.select_for_update(no_key=True).get(pk=person.pk)
    if known := _made(person, wish):
        return known
    if why := _forbidden(person, wish):
        raise PaymentRefusedError(why)
    payment = ManualPayment.objects.create(
        form_token=wish.form_token,
        account_id=wish.account,
        kind=wish.kind.value,
        amount=wish.amount,
        reason=wish.reason,
        reference=wish.reference,
        corrects_id=wish.corrects,
        requested_by=person,
        state=PaymentState.REQUESTED.value,
        needs_approval=abs(wish.amount) > allowance(person).alone,
    )
    if not payment.needs_approval:
        _pay(payment)
    return payment


def why_not_back(payment: ManualPayment) -> str:
    """Return why a payment can't be taken back; nothing if it can."""
    if payment.state != PaymentState.DONE or payment.amount < ZERO:
        return "Only what has been paid can be taken back."
    if payment.corrections.exclude(state=PaymentState.REJECTED.value).exists():
        return "It has been taken back, or is about to be."
    return ""


@transaction.atomic
def take_back(person: Account, payment: int, *, form_token: UUID, reason: str) -> ManualPayment:
    """Correct a payment that was a mistake by one of the same amount, the other way. Raises `PaymentRefusedError`."""
    mistake = ManualPayment.objects.select_for_update().get(pk=payment)
    if mistake.corrections.filter(form_token=form_token).exists():
        return mistake.corrections.get(form_token=form_token)
    if why := why_not_back(mistake):
        raise PaymentRefusedError(why)
    wish = Wish(
        form_token=form_token,
        account=mistake.account_id,
        kind=PaymentKind.CORRECTION,
        amount=-mistake.amount,
        reason=reason,
        reference=mistake.reference,
        corrects=mistake.pk,
    )
    return make(person, wish)


@transaction.atomic
def approve(person: Account, payment: int) -> ManualPayment:
    """Approve a payment that somebody else has asked for, and move its money. Raises `PaymentRefusedError`."""
    found = _waiting(payment)
    if not person.has_perm(APPROVE):
        raise PaymentRefusedError("You may not approve payments.")
    if found.requested_by_id == person.pk:
        raise PaymentRefusedError("Somebody else has to approve what you have asked for.")
    if found.account_id == person.pk:
        raise PaymentRefusedError("Somebody else has to approve what your account is paid.")
    found.decided_by, found.decided_at = person, timezone.now()
    _pay(found)
    return found


@transaction.atomic
def reject(person: Account, payment: int, *, reason: str) -> ManualPayment:
    """Reject a payment that waits, or take back one's own wish. Raises `PaymentRefusedError`."""
    found = _waiting(payment)
    if not person.has_perm(APPROVE) and found.requested_by_id != person.pk:
        raise PaymentRefusedError("You may not reject payments of others.")
    found.state, found.decision_reason = PaymentState.REJECTED.value, reason
    found.decided_by, found.decided_at = person, timezone.now()
    found.save(update_fields=["state", "decision_reason", "decided_by", "decided_at"])
    return found


def _waiting(payment: int) -> ManualPayment:
    """Return a payment that waits, locked."""
    found = ManualPayment.objects.select_for_update().get(pk=payment)
    if found.state != PaymentState.REQUESTED:
        raise PaymentRefusedError(f"It was {'approved' if found.state == PaymentState.DONE else 'rejected'} before.")
    return found


def _pay(payment: ManualPayment) -> None:
    """Move the money of a payment that nobody else can decide on meanwhile."""
    house, kind = PaymentKind(payment.kind).source
    actor = str(payment.requested_by)
    note = payment.reference or ("Bonus" if payment.kind == PaymentKind.BONUS else "")
    try:
        payment.transfer_id = ledger.pay(
            engine_connection(), payment.account_id, payment.amount, house, kind, actor=actor, note=note
        )
    except NotEnoughFunds:
        raise PaymentRefusedError(_short_of(payment)) from None
    payment.state = PaymentState.DONE.value
    payment.save(update_fields=["state", "transfer", "decided_by", "decided_at"])


def _short_of(payment: ManualPayment) -> str:
    account = LedgerAccount.objects.get(account=payment.account_id)
    left = (account.balance or ZERO) + account.credit_limit
    return f"The account has only {money.show(left)} to take, its credit limit included."


def _today() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
