"""Orders and their history. Only `tradepost.engine` (placing, settling) writes the orders; these models show them."""

from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import MD5, Now

from tradepost import formats
from tradepost.engine.actors import ACTOR_CHARS_MAX
from tradepost.engine.enums import TextEnum
from tradepost.engine.placing import Mode
from tradepost.engine.refusals import RefusalMeaning, ReviewReason
from tradepost.engine.statuses import ACTIVE, OPEN_REFILL, CancelState, Dispatch, RefillStatus, Status
from tradepost.orders.bulk_action_types import BulkActionKind, BulkActionState, BulkOutcome
from tradepost.orders.staff_models import OrderAssignment as OrderAssignment  # noqa: PLC0414 - models are looked for here
from tradepost.orders.staff_models import OrderNote as OrderNote  # noqa: PLC0414
from tradepost.orders.staff_models import ShownColumns as ShownColumns  # noqa: PLC0414

IS_ACTIVE = Q(status__in=[status.value for status in ACTIVE])
TRIED = (Dispatch.SENDING, Dispatch.SENT, Dispatch.UNSURE, Dispatch.REFUSED)  # the states of an attempt
ON_ITS_WAY = (Dispatch.QUEUED, *TRIED)


def _choices(words: Sequence[TextEnum]) -> list[tuple[str, str]]:
    return [(word.value, word.label) for word in words]


class Order(models.Model):
    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False
    )
    service = models.ForeignKey(
        "catalog.Service", on_delete=models.PROTECT, related_name="orders", db_index=False, db_constraint=False
    )
    key = models.ForeignKey(
        "accounts.Key", null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    mode = models.CharField(max_length=8, choices=Mode.choices())
    link = models.TextField()
    quantity = models.BigIntegerField(help_text="Quantity used for the charge.")
    fields = models.JSONField(null=True, help_text="The parameters of its type (comments, usernames …).")
    rate = models.DecimalField(max_digits=20, decimal_places=7)
    charge = models.DecimalField(max_digits=20, decimal_places=5)
    refunded = models.DecimalField(max_digits=20, decimal_places=5, default=0, db_default=0)
    status = models.CharField(
        max_length=12, choices=Status.choices(), default=Status.PENDING.value, db_default=Status.PENDING.value
    )
    dispatch = models.CharField(
        max_length=12, choices=Dispatch.choices(), default=Dispatch.NONE.value, db_default=Dispatch.NONE.value
    )
    start_count = models.BigIntegerField(null=True)
    remains = models.BigIntegerField()
    parts = models.IntegerField(null=True, help_text="Number of runs or posts, for drip-feeds and subscriptions.")
    parent = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="children",
        db_index=False,
        db_constraint=False,
        help_text="The drip-feed or subscription that the order is a part of.",
    )
    part = models.IntegerField(null=True, help_text="Which part of it, from 1.")
    one_per_link = models.BooleanField(default=False, db_default=False)
    in_duplicate_window = models.BooleanField(
        default=False, db_default=False, help_text="Its account had a duplicate window."
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(status__in=Status.values()), name="order_status_known"),
            models.CheckConstraint(condition=Q(dispatch__in=Dispatch.values()), name="order_dispatch_known"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values()), name="order_mode_known"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=Q(remains__gte=0, remains__lte=models.F("quantity")), name="order_remains_within_quantity"
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=models.F("charge")), name="order_refunds_within_charge"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True, part__isnull=True)
                | Q(parent__isnull=False, part__gte=1, parts__isnull=True),
                name="order_part_of_parent",
            ),
            models.CheckConstraint(condition=Q(parts__isnull=True) | Q(parts__gte=1), name="order_parts_positive"),
            # Each run is made once, and each post is mirrored once.
            models.UniqueConstraint(
                fields=("parent", "part"), condition=Q(parent__isnull=False), name="order_part_once"
            ),
            # Enforces «You have active order with this link». The link is hashed because it may be long.
            models.UniqueConstraint(
                "account",
                "service",
                MD5("link"),
                condition=Q(one_per_link=True) & IS_ACTIVE,
                name="order_one_active_per_link",
            ),
        )
        indexes = (
            models.Index(fields=("account", "id"), name="order_of_account"),
            # For the lists of an account's drip-feeds and subscriptions, which are few.
            models.Index(fields=("account", "id"), condition=Q(parts__isnull=False), name="order_made_of_parts"),
            # Every task that advances orders reads this index, so its cost doesn't grow with ended orders.
            models.Index(fields=("dispatch", "id"), condition=IS_ACTIVE, name="order_active"),
            models.Index(
                "account",
                "service",
                MD5("link"),
                condition=Q(in_duplicate_window=True),
                name="order_in_duplicate_window",
            ),
        )
        ordering = ("-id",)
        permissions = (
            ("fulfil_order", "Can fulfil orders by hand"),
            ("export_order", "Can export orders"),
            ("tell_provider", "Can write to providers about orders"),
        )

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def net(self) -> Decimal:
        """The charge after refunds."""
        return self.charge - self.refunded

    @property
    def aim(self) -> str:
        """The link; for a subscription, the user name whose posts it is for."""
        return self.link or (self.fields or {}).get("username", "")

    @property
    def done(self) -> int:
        """The quantity delivered so far."""
        return self.quantity - self.remains


class DripFeed(models.Model):
    """When the next run of an order is due. Written by `tradepost.engine` (placing, drip_feeds, settling)."""

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="dripfeed")
    interval_minutes = models.IntegerField()
    due_at = models.DateTimeField(null=True, help_text="Nothing once every run is made, or it was stopped.")

    class Meta:
        verbose_name = "drip-feed"
        constraints = (models.CheckConstraint(condition=Q(interval_minutes__gte=1), name="dripfeed_interval_positive"),)
        indexes = (models.Index(fields=("due_at",), condition=Q(due_at__isnull=False), name="dripfeed_due"),)

    def __str__(self) -> str:
        return f"drip-feed {self.pk}"


class UpstreamOrder(models.Model):
    """An active order that is on its way to a provider, or there. Written by `tradepost.engine.dispatching`.

    `due_at` is when the order may be sent (if queued), or asked for again (if unsure).
    """

    order = models.OneToOneField(Order, primary_key=True, on_delete=models.PROTECT, related_name="upstream")
    account_id = models.BigIntegerField()
    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+", db_index=False)
    route = models.ForeignKey("providers.Route", on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(
        max_length=8, choices=_choices(ON_ITS_WAY), default=Dispatch.QUEUED.value, db_default=Dispatch.QUEUED.value
    )
    due_at = models.DateTimeField(db_default=Now())
    attempt_count = models.IntegerField(default=0, db_default=0)
    upstream_id = models.CharField(max_length=64, blank=True, default="", db_default="")
    quantity = models.BigIntegerField(null=True, help_text="Quantity ordered at the provider.")
    multiplier = models.DecimalField(max_digits=10, decimal_places=4, default=1, db_default=1)
    sent_at = models.DateTimeField(null=True)
    last_message = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="The provider's last answer."
    )
    review_reason = models.CharField(
        max_length=12,
        blank=True,
        choices=ReviewReason.choices(),
        default="",
        db_default="",
        help_text="Why a person must look.",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "unsure", "refused"]), name="upstream_state_known"
            ),
            models.CheckConstraint(condition=~Q(state="sent") | ~Q(upstream_id=""), name="upstream_sent_has_id"),
        )
        indexes = (
            models.Index(
                fields=("provider", "route", "due_at", "order"), condition=Q(state="queued"), name="upstream_queued"
            ),
            models.Index(fields=("provider", "sent_at", "order"), condition=Q(state="sent"), name="upstream_sent"),
            models.Index(
                fields=("provider", "state"),
                condition=Q(state__in=["sending", "unsure", "refused"]),
                name="upstream_open",
            ),
            models.Index(fields=("route", "order"), condition=~Q(review_reason=""), name="upstream_review"),
        )

    def __str__(self) -> str:
        return f"{self.pk} at {self.provider_id}"


class Attempt(models.Model):
    """One try to place an order with a provider: stored before the first byte leaves, completed with the answer.

    The request and response are kept as evidence: staff need them to settle an order whose answer was lost.
    """

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts", db_index=False)
    account_id = models.BigIntegerField()
    number = models.IntegerField()
    provider = models.ForeignKey("providers.Provider", on_delete=models.PROTECT, related_name="+", db_index=False)
    provider_service = models.ForeignKey(
        "providers.ProviderService", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(
        max_length=8, choices=_choices(TRIED), default=Dispatch.SENDING.value, db_default=Dispatch.SENDING.value
    )
    upstream_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 - NULL is not unique, "" would be
    quantity = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)
    cost = models.DecimalField(
        max_digits=20, decimal_places=5, null=True, help_text="The provider's charge, in our currency."
    )
    cost_expected = models.DecimalField(
        max_digits=20, decimal_places=5, null=True, help_text="Expected cost when the order was sent."
    )
    request = models.JSONField(null=True)
    response = models.TextField(blank=True, default="", db_default="")
    meaning = models.CharField(
        max_length=12,
        choices=RefusalMeaning.choices(),
        blank=True,
        default="",
        db_default="",
        help_text="What a refusal is about.",
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("order", "number"), name="attempt_once"),
            # An order is at one provider at most: if it was sent, or may have been, it is not sent elsewhere.
            models.UniqueConstraint(
                fields=("order",), condition=Q(state__in=["sending", "sent", "unsure"]), name="attempt_one_live"
            ),
            # Two of our orders never share one order at the provider.
            models.UniqueConstraint(fields=("provider", "upstream_id"), name="attempt_upstream_id_once"),
        )
        ordering = ("id",)

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.order_id}"


class OrderEvent(models.Model):
    """A change of an order's status or dispatch, with its time and actor. Placing makes no event, only the order."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    account_id = models.BigIntegerField()
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=ACTOR_CHARS_MAX)
    from_status = models.CharField(max_length=12)
    to_status = models.CharField(max_length=12)
    from_dispatch = models.CharField(max_length=12)
    to_dispatch = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class Refill(models.Model):
    """A refill that a customer asked for. Written by `tradepost.engine.refilling`."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refills")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="refills")
    status = models.CharField(
        max_length=12,
        choices=RefillStatus.choices(),
        db_default=RefillStatus.PENDING.value,
        default=RefillStatus.PENDING.value,
    )
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    upstream_id = models.CharField(max_length=64, blank=True, default="", db_default="", help_text="The provider's id.")
    polled_at = models.DateTimeField(null=True, help_text="When its provider was last asked about it.")
    tries = models.IntegerField(default=0, db_default=0, help_text="Requests since its provider's last clear answer.")
    response = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="Its provider's last words."
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(status__in=RefillStatus.values()), name="refill_status_known"),
            models.UniqueConstraint(
                fields=("order",),
                condition=Q(status__in=[status.value for status in OPEN_REFILL]),
                name="refill_one_open_per_order",
            ),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"refill {self.pk}"


class CancelRequest(models.Model):
    """A customer's request to cancel an order that was begun or sent. It is settled when the order ends."""

    id = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="cancel_requests")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=8, choices=CancelState.choices(), db_default=CancelState.OPEN.value, default=CancelState.OPEN.value
    )
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)
    forwarded_at = models.DateTimeField(null=True, help_text="When its provider was last asked to cancel.")
    is_accepted_upstream = models.BooleanField(
        default=False, db_default=False, help_text="Its provider has accepted it."
    )
    tries = models.IntegerField(default=0, db_default=0, help_text="Requests since its provider's last clear answer.")
    response = models.CharField(
        max_length=300, blank=True, default="", db_default="", help_text="Its provider's last words."
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=CancelState.values()), name="cancel_request_state_known"),
            models.UniqueConstraint(fields=("order",), condition=Q(state="open"), name="cancel_request_one_open"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"cancel request {self.pk}"


class IdempotencyKey(models.Model):
    """The key that a client sent with an order, so that a retry returns that order. Written by `engine.idempotency`."""

    pk = models.CompositePrimaryKey("account_id", "key")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (models.Index(fields=("created_at",), name="idempotency_key_age"),)

    def __str__(self) -> str:
        return self.key


class BulkAction(models.Model):
    """An action of staff on many orders. Written by `tradepost.orders.bulk_actions`."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=16, choices=BulkActionKind.choices())
    options = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(
        max_length=8,
        choices=BulkActionState.choices(),
        db_default=BulkActionState.DRAFT.value,
        default=BulkActionState.DRAFT.value,
    )
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0, db_default=0)
    skipped = models.IntegerField(default=0, db_default=0)
    failed = models.IntegerField(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=Now())
    progressed_at = models.DateTimeField(null=True, help_text="When it was confirmed, or its last batch was done.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=BulkActionKind.values()), name="bulk_action_kind_known"),
            models.CheckConstraint(condition=Q(state__in=BulkActionState.values()), name="bulk_action_state_known"),
            models.CheckConstraint(
                condition=Q(total__gte=models.F("done") + models.F("skipped") + models.F("failed")),
                name="bulk_action_no_more_than_total",
            ),
        )
        indexes = (models.Index(fields=("progressed_at",), condition=Q(state="running"), name="bulk_action_running"),)
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{BulkActionKind(self.kind).label}, {formats.whole(self.total)} orders"

    @property
    def worked_on(self) -> int:
        """The number of orders done, skipped or failed."""
        return self.done + self.skipped + self.failed


class BulkOrder(models.Model):
    """An order chosen for a bulk action, and what the action did to it. One row an order, so each is done once."""

    pk = models.CompositePrimaryKey("action_id", "order_id")
    action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="orders", db_index=False)
    # No foreign key in the database: it would lock every chosen order while the draft is made. Nobody deletes orders.
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    outcome = models.CharField(
        max_length=8,
        choices=BulkOutcome.choices(),
        default=BulkOutcome.WAITING.value,
        db_default=BulkOutcome.WAITING.value,
    )
    note = models.CharField(max_length=200, default="", db_default="", blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(outcome__in=BulkOutcome.values()), name="bulk_order_outcome_known"),
        )
        indexes = (models.Index(fields=("action", "order"), condition=Q(outcome="waiting"), name="bulk_order_waiting"),)
        ordering = ("order_id",)

    def __str__(self) -> str:
        return f"{self.order_id}: {self.outcome}"


class ServicePace(models.Model):
    """How long the last orders of a service took, from placing to the first move and to the end.

    Each value is the 90th percentile, but at least three times the median. Written by `tradepost.orders.stuck_orders`.
    """

    service = models.OneToOneField(
        "catalog.Service", primary_key=True, on_delete=models.CASCADE, related_name="pace", db_constraint=False
    )
    starts_within = models.DurationField(null=True)
    ends_within = models.DurationField()
    sample_size = models.IntegerField(help_text="How many orders it was computed from.")
    computed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.service_id}: {self.ends_within}"


class StuckOrder(models.Model):
    """An active order that takes too long, and the reason. Written by `tradepost.orders.stuck_orders`."""

    NOT_STARTED, SLOW, UNANSWERED = "not started", "slow", "unanswered"
    REASONS = (NOT_STARTED, SLOW, UNANSWERED)

    order = models.OneToOneField(
        Order, primary_key=True, on_delete=models.PROTECT, related_name="stuck", db_constraint=False
    )
    reason = models.CharField(max_length=12, choices=[(reason, reason) for reason in REASONS])
    expected_within = models.DurationField(help_text="What it should have taken at most.")
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(reason__in=("not started", "slow", "unanswered")), name="stuck_order_reason_known"
            ),
        )
        ordering = ("order_id",)

    def __str__(self) -> str:
        return f"{self.order_id}: {self.reason}"
