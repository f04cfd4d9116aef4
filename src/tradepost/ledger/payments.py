"""Payments by hand: limits, approval by a second person, and the guarantee that each payment moves its money once.

1. Lock the account of the person who pays, so that the sum of the day is right. A form that is sent twice is one
   payment.
2. If the amount is above the person's limits, refuse it. If it is above the limit for one person, let it wait.
3. A second person approves or rejects it. The payment is locked, so that only the first decision counts.
4. The ledger moves the money in the transaction that sets the payment to done. If the ledger refuses, the payment
   stays as it was.

Refunds of delivered orders count against the same limits (decision 63), and so does more credit (decision 64): it is
a payment that raises the account's credit limit in place of moving money. Less credit is no payment.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import Abs
from django.utils import timezone

from tradepost import formats
from tradepost.accounts import delegation
from tradepost.accounts.models import Account
from tradepost.database import engine_connection
from tradepost.engine import ledger
from tradepost.engine.errors import NotEnoughFunds
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.money import ZERO
from tradepost.ledger.models import (
    DeliveredRefund,
    LedgerAccount,
    ManualPayment,
    PaymentKind,
    PaymentLimit,
    PaymentState,
)
from tradepost.site_settings import effective as site_settings

PERMISSIONS = {
    PaymentKind.TOP_UP: "ledger.top_up_account",
    PaymentKind.CORRECTION: "ledger.correct_balance",
    PaymentKind.BONUS: "ledger.correct_balance",
    PaymentKind.CREDIT: "ledger.change_credit_limit",
}
APPROVE = "ledger.approve_payment"
SET_LIMITS = "ledger.change_paymentlimit"  # staff who may set the limits have none
UNLIMITED = Decimal("Infinity")
NO_LIMIT = "Your role has no limit for payments yet, so it may make none. An owner sets it under Payment limits."

NO_CREDIT = "Nobody gives credit to their own account, or to staff with as many rights as they have."


class PaymentRefusedError(TradepostError):
    """A payment, or a decision on a payment, is refused. `str()` is a sentence with the reason, for staff."""


class PaymentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A payment that staff wants to make. `reason` is for staff, `reference` for the customer's statement."""

    form_token: UUID
    account: int
    kind: PaymentKind
    amount: Decimal
    reason: str
    reference: str = ""
    corrects: int | None = None


class DeliveredOrder(msgspec.Struct, frozen=True):
    """A delivered order, and what of its charge would be refunded."""

    order: int
    amount: Decimal


class PaymentAllowance(msgspec.Struct, frozen=True):
    """How much a person may still pay: in one payment, today, and without a second person."""

    per_payment: Decimal
    today: Decimal
    without_approval: Decimal


def kinds_of(person: Account) -> list[PaymentKind]:
    """Return the kinds of payments of money that this person may make."""
    return [kind for kind in PaymentKind if kind is not PaymentKind.CREDIT and person.has_perm(PERMISSIONS[kind])]


def allowance(person: Account) -> PaymentAllowance:
    """Return how much this person may pay now, by the highest limits of their roles. A day begins at 0:00 UTC."""
    if person.has_perm(SET_LIMITS):
        return PaymentAllowance(UNLIMITED, UNLIMITED, UNLIMITED)
    limits = PaymentLimit.objects.filter(group__user=person).aggregate(
        per_payment=Max("per_payment", default=ZERO),
        per_day=Max("per_day", default=ZERO),
        approval_above=Max("approval_above", default=ZERO),
    )
    payments = ManualPayment.objects.filter(requested_by=person, requested_at__gte=_today()).exclude(
        state=PaymentState.REJECTED.value
    )
    refunds = DeliveredRefund.objects.filter(refunded_by=person, refunded_at__gte=_today())
    paid: Decimal = payments.aggregate(total=Sum(Abs("amount"), default=ZERO))["total"]
    paid += refunds.aggregate(total=Sum("amount", default=ZERO))["total"]
    return PaymentAllowance(limits["per_payment"], max(limits["per_day"] - paid, ZERO), limits["approval_above"])


def why_no_refunds(person: Account, refunds: Sequence[DeliveredOrder]) -> dict[int, str]:
    """Return the delivered orders that the person may not refund, each with the reason.

    Each order counts as a payment: in the sequence of `refunds`, until the limit of the day is reached. Nobody else can
    approve a refund, so one that would need an approval is refused.
    """
    allowed, refused = allowance(person), {}
    left, currency = allowed.today, site_settings.currency()
    for refund in refunds:
        reason = _why_no_refund(allowed, left, refund.amount, currency)
        if reason:
            refused[refund.order] = reason
        else:
            left -= refund.amount
    return refused


def _why_no_refund(allowed: PaymentAllowance, left: Decimal, amount: Decimal, currency: str) -> str:
    if not amount:
        return ""
    if not allowed.per_payment:
        return "was delivered, and your role has no limit for payments yet"
    at_once = min(allowed.per_payment, allowed.without_approval)
    if amount > at_once:
        return f"was delivered, and your role may refund {formats.exact_money(at_once, currency)} of an order alone"
    if amount > left:
        return f"was delivered, and your role's limit of the day leaves {formats.exact_money(left, currency)}"
    return ""


def record_refunds(person: Account, refunds: Sequence[DeliveredOrder], *, reason: str) -> dict[int, str]:
    """Count the refunds of delivered orders against the person's limits, in the transaction that refunds them.

    Return the orders that must not be refunded, as `why_no_refunds` does. The person's account is locked first, so that
    the sum of the day is right.
    """
    Account.objects.select_for_update(no_key=True).get(pk=person.pk)
    refused = why_no_refunds(person, refunds)
    DeliveredRefund.objects.bulk_create(
        DeliveredRefund(order_id=refund.order, amount=refund.amount, reason=reason, refunded_by=person)
        for refund in refunds
        if refund.amount and refund.order not in refused
    )
    return refused


def why_not(person: Account, request: PaymentRequest) -> str:
    """Return why the person may not make the payment; empty if they may, or if the same form has made it already."""
    try:
        if _made_before(person, request):
            return ""
    except PaymentRefusedError as refused:
        return str(refused)
    return _reason_to_refuse(person, request)


def _made_before(person: Account, request: PaymentRequest) -> ManualPayment | None:
    """Return the payment that this form has made. Raises `PaymentRefusedError` if that was another payment."""
    known = ManualPayment.objects.filter(form_token=request.form_token, requested_by=person).first()
    if known and (known.account_id, known.kind, known.amount) != (request.account, request.kind.value, request.amount):
        raise PaymentRefusedError(
            f"This form has made a {known.kind} of {_money_text(known.amount)} before: begin again for another payment."
        )
    return known


def _reason_to_refuse(person: Account, request: PaymentRequest) -> str:
    if not person.has_perm(PERMISSIONS[request.kind]):
        return f"You may not make a {request.kind.value}."
    if request.kind is PaymentKind.CREDIT and request.amount <= ZERO:
        return "Credit is raised by more than nothing."
    if request.account == person.pk and not person.has_perm(SET_LIMITS):
        return "Nobody pays their own account."
    account = Account.objects.get(pk=request.account)
    if account.test_of_id is not None:
        return "A test account has play money only."
    if request.kind is PaymentKind.CREDIT and not delegation.outranks(person, account):
        return NO_CREDIT
    return _above_limit(allowance(person), abs(request.amount))


def _above_limit(allowed: PaymentAllowance, amount: Decimal) -> str:
    if not allowed.per_payment:
        return NO_LIMIT
    if amount > allowed.per_payment:
        return f"Your role may pay {_money_text(allowed.per_payment)} at once."
    if amount > allowed.today:
        return f"Of what your role may pay in a day, {_money_text(allowed.today)} is left today."
    return ""


@transaction.atomic
def make(person: Account, request: PaymentRequest) -> ManualPayment:
    """Make a payment, which is then done or waits for a second person. The same request again returns it again.

    Raises `PaymentRefusedError`, also if the same form was sent with another account, kind or amount.
    """
    Account.objects.select_for_update(no_key=True).get(pk=person.pk)
    if known := _made_before(person, request):
        return known
    if why := _reason_to_refuse(person, request):
        raise PaymentRefusedError(why)
    payment = ManualPayment.objects.create(
        form_token=request.form_token,
        account_id=request.account,
        kind=request.kind.value,
        amount=request.amount,
        reason=request.reason,
        reference=request.reference,
        corrects_id=request.corrects,
        requested_by=person,
        state=PaymentState.REQUESTED.value,
        needs_approval=abs(request.amount) > allowance(person).without_approval,
    )
    if not payment.needs_approval:
        _pay(payment)
    return payment


def why_not_back(payment: ManualPayment) -> str:
    """Return why staff can't take a payment back; empty if they can."""
    if payment.kind == PaymentKind.CREDIT:
        return "Credit is taken back by a lower credit limit."
    if payment.state != PaymentState.DONE or payment.amount < ZERO:
        return "Only what has been paid can be taken back."
    if payment.corrections.exclude(state=PaymentState.REJECTED.value).exists():
        return "It has been taken back, or is about to be."
    return ""


@transaction.atomic
def take_back(person: Account, payment: int, *, form_token: UUID, reason: str) -> ManualPayment:
    """Correct a wrong payment with a payment of the negative amount. Raises `PaymentRefusedError`."""
    mistake = ManualPayment.objects.select_for_update().get(pk=payment)
    if mistake.corrections.filter(form_token=form_token).exists():
        return mistake.corrections.get(form_token=form_token)
    if why := why_not_back(mistake):
        raise PaymentRefusedError(why)
    request = PaymentRequest(
        form_token=form_token,
        account=mistake.account_id,
        kind=PaymentKind.CORRECTION,
        amount=-mistake.amount,
        reason=reason,
        reference=mistake.reference,
        corrects=mistake.pk,
    )
    return make(person, request)


@transaction.atomic
def approve(person: Account, payment: int) -> ManualPayment:
    """Approve a payment that another person requested, and move its money. Raises `PaymentRefusedError`."""
    waiting = _lock_waiting(payment)
    if not person.has_perm(APPROVE):
        raise PaymentRefusedError("You may not approve payments.")
    if waiting.requested_by_id == person.pk:
        raise PaymentRefusedError("Somebody else has to approve what you have asked for.")
    if waiting.account_id == person.pk:
        raise PaymentRefusedError("Somebody else has to approve what your account is paid.")
    if waiting.kind == PaymentKind.CREDIT and not delegation.outranks(person, waiting.account):
        raise PaymentRefusedError(NO_CREDIT)
    waiting.decided_by, waiting.decided_at = person, timezone.now()
    _pay(waiting)
    return waiting


@transaction.atomic
def reject(person: Account, payment: int, *, reason: str) -> ManualPayment:
    """Reject a payment that waits. Staff may always reject their own. Raises `PaymentRefusedError`."""
    waiting = _lock_waiting(payment)
    if not person.has_perm(APPROVE) and waiting.requested_by_id != person.pk:
        raise PaymentRefusedError("You may not reject payments of others.")
    waiting.state, waiting.decision_reason = PaymentState.REJECTED.value, reason
    waiting.decided_by, waiting.decided_at = person, timezone.now()
    waiting.save(update_fields=["state", "decision_reason", "decided_by", "decided_at"])
    return waiting


def _lock_waiting(payment: int) -> ManualPayment:
    """Lock a payment and return it. Raises `PaymentRefusedError` if it no longer waits."""
    locked = ManualPayment.objects.select_for_update().get(pk=payment)
    if locked.state != PaymentState.REQUESTED:
        raise PaymentRefusedError(f"It was {'approved' if locked.state == PaymentState.DONE else 'rejected'} before.")
    return locked


def _pay(payment: ManualPayment) -> None:
    """Move the money of a payment that is locked or new, or give the credit."""
    if payment.kind == PaymentKind.CREDIT:
        ledger.raise_credit_limit(engine_connection(), payment.account_id, payment.amount)
        _set_done(payment)
        return
    house, kind = PaymentKind(payment.kind).source
    actor = str(payment.requested_by)
    note = payment.reference or ("Bonus" if payment.kind == PaymentKind.BONUS else "")
    try:
        payment.transfer_id = ledger.pay(
            engine_connection(), payment.account_id, payment.amount, house, kind, actor=actor, note=note
        )
    except NotEnoughFunds:
        raise PaymentRefusedError(_not_enough(payment)) from None
    _set_done(payment)


def _set_done(payment: ManualPayment) -> None:
    payment.state = PaymentState.DONE.value
    payment.save(update_fields=["state", "transfer", "decided_by", "decided_at"])


def _not_enough(payment: ManualPayment) -> str:
    account = LedgerAccount.objects.get(account=payment.account_id)
    left = (account.balance or ZERO) + account.credit_limit
    return f"The account has only {_money_text(left)} to take, its credit limit included."


def _money_text(amount: Decimal) -> str:
    return formats.exact_money(amount, site_settings.currency())


def _today() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
