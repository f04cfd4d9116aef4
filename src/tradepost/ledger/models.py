"""The books: balances, and every transfer of money that led to them (docs/architecture.md, money).

Nothing moves money through the ORM. `tradepost.engine.ledger` does, and these models show the result.
"""

import uuid

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from tradepost.engine.actors import ACTOR_CHARS_MAX
from tradepost.engine.enums import TextEnum
from tradepost.engine.ledger import CUSTOMER_IDS_FROM, SystemAccount, TransferKind

PAYMENTS = [TransferKind.TOP_UP.value, TransferKind.ADJUSTMENT.value]  # the kinds of transfers without an order
REASON_CHARS_MAX = 500
REFERENCE_CHARS_MAX = 120


class LedgerAccount(models.Model):
    """A customer's account, with its balance; or an account of the house, whose balance is summed when it is needed."""

    id = models.BigAutoField(primary_key=True)
    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="ledger_account"
    )
    name = models.CharField(max_length=40, blank=True, help_text="The house's own accounts only.")
    balance = models.DecimalField(max_digits=20, decimal_places=5, null=True)
    credit_limit = models.DecimalField(max_digits=20, decimal_places=5, db_default=0, default=0)
    is_play = models.BooleanField(
        "play money", default=False, db_default=False, help_text="Belongs to a test account; no real money."
    )

    class Meta:
        db_table = "ledger_account"
        verbose_name = "ledger account"
        constraints = (
            models.CheckConstraint(
                condition=Q(balance__gte=-models.F("credit_limit")), name="ledger_account_within_credit"
            ),
            models.CheckConstraint(condition=Q(credit_limit__gte=0), name="ledger_account_credit_not_negative"),
            # The house's accounts have the ids below CUSTOMER_IDS_FROM, so that partial indexes on transfers can leave
            # them out: only customers have statements, and the house's transfers are only summed.
            models.CheckConstraint(
                condition=Q(account__isnull=True, balance__isnull=True, id__lt=CUSTOMER_IDS_FROM)
                | Q(account__isnull=False, balance__isnull=False, id__gte=CUSTOMER_IDS_FROM),
                name="ledger_account_customer_or_house",
            ),
        )
        permissions = (("change_credit_limit", "Can change how far an account may go below zero"),)

    def __str__(self) -> str:
        return self.name or f"customer {self.account_id}"


class Transfer(models.Model):
    """One movement of money, from `debit` to `credit`. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE."""

    id = models.BigAutoField(primary_key=True)
    debit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    credit = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    amount = models.DecimalField(max_digits=20, decimal_places=5)
    balance_after = models.DecimalField(
        max_digits=20, decimal_places=5, help_text="Of the customer's account, whichever side it is on."
    )
    kind = models.CharField(max_length=16, choices=TransferKind.choices())
    order = models.ForeignKey(
        "orders.Order",
        null=True,
        on_delete=models.PROTECT,
        related_name="transfers",
        db_index=False,
        db_constraint=False,
    )
    sequence = models.IntegerField(db_default=0, default=0, help_text="Tells apart transfers of one kind of an order.")
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=ACTOR_CHARS_MAX)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=models.F("credit")), name="transfer_between_two"),
            models.CheckConstraint(condition=Q(kind__in=TransferKind.values()), name="transfer_kind_known"),
            # An order's charge or refund happens only once, even if a request or a task is repeated.
            models.UniqueConstraint(
                fields=("order", "kind", "sequence"), condition=Q(order__isnull=False), name="transfer_once_per_order"
            ),
        )
        indexes = (
            models.Index(
                fields=("debit", "id"), condition=Q(debit__gte=CUSTOMER_IDS_FROM), name="transfer_debits_of_customer"
            ),
            models.Index(
                fields=("credit", "id"), condition=Q(credit__gte=CUSTOMER_IDS_FROM), name="transfer_credits_of_customer"
            ),
            # An account's payments without its orders. An order's charge costs these indexes nothing (decision 0046).
            models.Index(
                fields=("credit", "id"), include=("amount",), condition=Q(kind__in=PAYMENTS), name="transfer_paid_in"
            ),
            models.Index(
                fields=("debit", "id"), include=("amount",), condition=Q(kind__in=PAYMENTS), name="transfer_paid_out"
            ),
            # Rare kinds are found without reading all charges, and a charge costs this index nothing.
            models.Index(fields=("kind", "id"), condition=~Q(kind="charge"), name="transfer_other_than_charge"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"


class PaymentKind(TextEnum):
    TOP_UP = "top-up"
    CORRECTION = "correction"
    BONUS = "bonus"
    CREDIT = "credit"  # more credit: it moves no money, and counts as if it did (decision 64)

    @property
    def source(self) -> tuple[SystemAccount, TransferKind]:
        """The house's account that pays, and the kind of the transfer."""
        assert self is not PaymentKind.CREDIT
        if self is PaymentKind.TOP_UP:
            return SystemAccount.TOP_UPS, TransferKind.TOP_UP
        return SystemAccount.ADJUSTMENTS, TransferKind.ADJUSTMENT


class PaymentState(TextEnum):
    """The state of a payment by hand. Approving it and moving its money is one step, so there is no state between."""

    REQUESTED = "requested"
    DONE = "done"
    REJECTED = "rejected"


class PaymentLimit(models.Model):
    """How much staff in a role may pay by hand. A role without a row may not pay; staff who set limits have none.

    A member of staff with several roles has the highest of their limits.
    """

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="payment_limit", verbose_name="role")
    per_payment = models.DecimalField(
        max_digits=20,
        decimal_places=5,
        validators=[MinValueValidator(0)],
        help_text="Maximum per payment.",
    )
    per_day = models.DecimalField(
        max_digits=20,
        decimal_places=5,
        validators=[MinValueValidator(0)],
        help_text="Maximum per person per day (UTC), top-ups and corrections together.",
    )
    approval_above = models.DecimalField(
        max_digits=20,
        decimal_places=5,
        validators=[MinValueValidator(0)],
        help_text="A second person must approve payments above this amount.",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(per_payment__gte=0, per_day__gte=0, approval_above__gte=0),
                name="payment_limit_not_negative",
            ),
        )
        ordering = ("group__name",)

    def __str__(self) -> str:
        return str(self.group)


class ManualPayment(models.Model):
    """Money that staff gives an account, or takes back from it. Written by `tradepost.ledger.payments` only.

    If a correction takes money back, `amount` is negative. Credit raises the limit by `amount`. The request itself
    never changes, and a payment that is done or rejected never changes at all (a trigger).
    """

    id = models.BigAutoField(primary_key=True)
    form_token = models.UUIDField(
        unique=True, default=uuid.uuid4, editable=False, help_text="Made with the form, so that it pays once."
    )
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="manual_payments")
    kind = models.CharField(max_length=12, choices=PaymentKind.choices())
    amount = models.DecimalField(max_digits=20, decimal_places=5)
    reference = models.CharField(max_length=REFERENCE_CHARS_MAX, blank=True, default="", db_default="")
    reason = models.CharField(max_length=REASON_CHARS_MAX)
    corrects = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="corrections", db_index=False
    )
    state = models.CharField(
        max_length=12,
        choices=PaymentState.choices(),
        default=PaymentState.REQUESTED.value,
        db_default=PaymentState.REQUESTED.value,
    )
    needs_approval = models.BooleanField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    requested_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=REASON_CHARS_MAX, blank=True, default="", db_default="")
    transfer = models.OneToOneField(Transfer, null=True, on_delete=models.PROTECT, related_name="manual_payment")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=PaymentKind.values()), name="payment_kind_known"),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values()), name="payment_state_known"),
            models.CheckConstraint(condition=~Q(amount=0), name="payment_moves_something"),
            models.CheckConstraint(
                condition=Q(amount__gt=0) | Q(kind=PaymentKind.CORRECTION.value), name="payment_only_corrections_take"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="payment_for_a_reason"),
            models.CheckConstraint(
                condition=Q(~Q(kind=PaymentKind.CREDIT.value), state=PaymentState.DONE.value, transfer__isnull=False)
                | Q(kind=PaymentKind.CREDIT.value, state=PaymentState.DONE.value, transfer__isnull=True)
                | Q(~Q(state=PaymentState.DONE.value), transfer__isnull=True),
                name="payment_done_has_transfer",
            ),
            # Another person must approve. The person who requested a payment may withdraw (that is, reject) it.
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | ~Q(state=PaymentState.DONE.value)
                | ~Q(decided_by=F("requested_by")),
                name="payment_not_approved_by_its_requester",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(state=PaymentState.DONE.value) | ~Q(decided_by=F("account")),
                name="payment_not_approved_by_its_payee",
            ),
            models.CheckConstraint(
                condition=Q(needs_approval=False) | ~Q(state=PaymentState.DONE.value) | Q(decided_by__isnull=False),
                name="payment_approved_if_it_needs_to",
            ),
            models.CheckConstraint(
                condition=~Q(kind=PaymentKind.CREDIT.value) | ~Q(requested_by=F("account")),
                name="payment_no_credit_to_oneself",
            ),
            # A payment is corrected once.
            models.UniqueConstraint(
                fields=("corrects",),
                condition=Q(corrects__isnull=False) & ~Q(state=PaymentState.REJECTED.value),
                name="payment_corrected_once",
            ),
        )
        indexes = (
            models.Index(fields=("requested_by", "requested_at"), name="payment_of_requester"),
            models.Index(fields=("id",), condition=Q(state=PaymentState.REQUESTED.value), name="payment_waiting"),
        )
        ordering = ("-id",)
        permissions = (
            ("top_up_account", "Can top accounts up by hand"),
            ("correct_balance", "Can correct balances and give bonuses by hand"),
            ("approve_payment", "Can approve payments that somebody else asked for"),
        )
        default_permissions = ("view",)
        verbose_name = "manual payment"
        verbose_name_plural = "manual payments"

    def __str__(self) -> str:
        return f"payment {self.pk}"


class DeliveredRefund(models.Model):
    """What staff refunded of a delivered order. Append-only (a trigger); written by `tradepost.ledger.payments`.

    It counts against the limits of payments by hand (decision 63). An order may have two: a part first, then the rest.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(
        "orders.Order", on_delete=models.PROTECT, related_name="delivered_refunds", db_constraint=False
    )
    amount = models.DecimalField(max_digits=20, decimal_places=5)
    reason = models.CharField(max_length=REASON_CHARS_MAX)
    refunded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    refunded_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="delivered_refund_positive"),
            models.CheckConstraint(condition=~Q(reason=""), name="delivered_refund_for_a_reason"),
        )
        indexes = (models.Index(fields=("refunded_by", "refunded_at"), name="delivered_refund_of_person"),)

    def __str__(self) -> str:
        return f"refund of {self.order_id}"
