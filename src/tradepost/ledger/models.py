"""The books: who has how much, and every movement that made it so (design §4, law).

Nothing here is changed through the ORM: `tradepost.engine.ledger` moves money, these models show it.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tradepost.engine.ledger import CUSTOMER_IDS_FROM, Kind


class LedgerAccount(models.Model):
    """A customer's money, with its balance; or one of the house's own, whose balance is summed when asked for."""

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
            # The house's accounts have the ids below CUSTOMER_IDS_FROM, so that a partial index on transfers can
            # leave them out: a statement is read for customers, the house's side is only ever summed.
            models.CheckConstraint(
                condition=Q(account__isnull=True, balance__isnull=True, id__lt=CUSTOMER_IDS_FROM)
                | Q(account__isnull=False, balance__isnull=False, id__gte=CUSTOMER_IDS_FROM),
                name="ledger_account_customer_or_house",
            ),
        )

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
    kind = models.CharField(max_length=16, choices=Kind.choices())
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
    actor = models.CharField(max_length=80)
    note = models.CharField(max_length=200, blank=True, db_default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=models.F("credit")), name="transfer_between_two"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values()), name="transfer_kind_known"),
            # What makes a charge or a refund happen once, whoever asks for it again.
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
            # What is rare among charges is found without walking past them; a charge pays nothing for it.
            models.Index(fields=("kind", "id"), condition=~Q(kind="charge"), name="transfer_other_than_charge"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.kind} {self.amount}"
