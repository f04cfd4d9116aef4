"""What staff keep about orders: who works on one, notes about one, and the columns of the list. Customers see none."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

NOTE_CHARS_MAX = 2_000


class OrderAssignment(models.Model):
    """An order by hand that a member of staff has taken. One row an order, so nobody else can take it."""

    order = models.OneToOneField(
        "orders.Order", primary_key=True, on_delete=models.PROTECT, related_name="assignment", db_constraint=False
    )
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="order_assignments")
    assigned_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.order_id}: {self.assignee_id}"


class OrderNote(models.Model):
    """What staff should know about an order, or have told its provider. Append-only (a trigger)."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="notes", db_constraint=False)
    text = models.CharField(max_length=NOTE_CHARS_MAX)
    is_to_provider = models.BooleanField(
        default=False, db_default=False, help_text="What a provider was told. It has the provider's ids."
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        verbose_name = "note"
        constraints = (models.CheckConstraint(condition=~Q(text=""), name="order_note_says_something"),)
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text


class ShownColumns(models.Model):
    """The columns that a member of staff has chosen for the list of orders."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    names = ArrayField(models.CharField(max_length=32))

    def __str__(self) -> str:
        return ", ".join(self.names)
