"""The audit log: what staff and operators have changed."""

import json
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from tradepost.audit.actor import ActorKind


class DecimalJSONDecoder(json.JSONDecoder):
    """Reads rates and amounts as `Decimal`, so that no digit is lost."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_float=Decimal, **options)


class Entry(models.Model):
    """One change of one row: by whom and from where. Append-only: a trigger refuses UPDATE, DELETE and TRUNCATE.

    Triggers on the tables in `tradepost.audit.tables` write entries for every change, however it is made.
    `tradepost.audit.actions` writes entries for actions of staff on other tables, which have a log of their own.
    """

    ADD, CHANGE, DELETE, DO = "add", "change", "delete", "do"
    ACTIONS = ((ADD, "Added"), (CHANGE, "Changed"), (DELETE, "Deleted"), (DO, "Done"))

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    actor_name = models.CharField("who", max_length=254, help_text="The address at that time, or which program.")
    acting_as = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The account that was logged in as.",
    )
    address = models.GenericIPAddressField("from where", null=True)
    action = models.CharField(max_length=8, choices=ACTIONS)
    model = models.CharField(max_length=64, help_text="The kind of the row, like catalog.service.")
    object_id = models.CharField(max_length=64)
    label = models.CharField(max_length=300, help_text="The row's name after the change.")
    owner_model = models.CharField(max_length=64, blank=True, help_text="On whose page it stands, if on another's.")
    owner_id = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True, decoder=DecimalJSONDecoder, help_text="What was changed, as it was.")
    after = models.JSONField(null=True, decoder=DecimalJSONDecoder, help_text="What was changed, as it is.")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        ordering = ("-id",)
        default_permissions = ("view",)
        indexes = (
            models.Index(fields=("model", "object_id", "id"), name="audit_entry_of_object"),
            models.Index(
                fields=("owner_model", "owner_id", "id"),
                condition=~models.Q(owner_model=""),
                name="audit_entry_of_owner",
            ),
            models.Index(fields=("actor", "id"), condition=models.Q(actor__isnull=False), name="audit_entry_of_actor"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.model} {self.object_id}"
