"""Providers (upstream panels that deliver orders), what they sell, and the routes from our services to theirs."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Now

from tradepost import encryption
from tradepost.catalog.models import Service
from tradepost.engine.enums import TextEnum
from tradepost.engine.refusals import RefusalMeaning

UNKNOWN_REFUSALS_MAX = 3


class Provider(models.Model):
    """A panel that speaks API v2, where workers place orders. Workers write the fields that can't be edited."""

    name = models.CharField(max_length=100, unique=True)
    url = models.URLField("API address", max_length=500, help_text="The full address of the API, including /api/v2.")
    encrypted_key = models.BinaryField(editable=False)
    currency = models.CharField(
        max_length=3, default="USD", help_text="The currency of the provider's rates and balance."
    )
    exchange_rate = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        default=1,
        validators=[MinValueValidator(Decimal("0.0000000001"))],
        help_text="What one unit of the provider's currency is worth in ours.",
    )
    requests_a_second = models.PositiveIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(1_000)], help_text="Maximum."
    )
    parallel_requests = models.PositiveIntegerField(
        default=4, validators=[MinValueValidator(1), MaxValueValidator(64)], help_text="Maximum."
    )
    supports_idempotency_keys = models.BooleanField(
        default=False,
        help_text="For providers that run Tradepost: an order without an answer can be sent again safely.",
    )
    is_paused = models.BooleanField(
        "paused", default=False, help_text="Nothing is sent to a paused provider; orders wait."
    )
    low_balance = models.DecimalField(
        max_digits=20,
        decimal_places=5,
        null=True,
        blank=True,
        help_text="An alert is shown when the balance is below this.",
    )
    price_rise_percent_max = models.PositiveIntegerField(
        default=20, help_text="A service whose rate rises by more is taken off sale until someone checks it."
    )
    unknown_refusals_max = models.PositiveIntegerField(
        "unknown refusals",
        default=UNKNOWN_REFUSALS_MAX,
        blank=True,
        validators=[MinValueValidator(2), MaxValueValidator(1_000)],
        help_text="Number of unexplained refusals in a row after which a service is held for review.",
    )
    balance = models.DecimalField(max_digits=20, decimal_places=5, null=True, editable=False)
    balance_at = models.DateTimeField(null=True, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False, help_text="Until then nothing is sent to it.")
    last_error = models.CharField(max_length=300, blank=True, editable=False, help_text="Why nothing is sent to it.")
    pause_meaning = models.CharField(
        max_length=12, blank=True, db_default="", default="", editable=False, help_text="What the pause is about."
    )
    # Orders that cost as much as this, in our currency, or more are not sent before `funds_retry_at`.
    funds_limit = models.DecimalField(max_digits=20, decimal_places=5, null=True, editable=False)
    funds_retry_at = models.DateTimeField(null=True, editable=False)
    single_id_actions = ArrayField(
        models.CharField(max_length=16),
        default=list,
        blank=True,
        editable=False,
        help_text="The actions that it understands for one order only.",
    )
    balance_error = models.CharField(max_length=300, blank=True, db_default="", default="", editable=False)
    synced_at = models.DateTimeField(null=True, editable=False)
    sync_error = models.CharField(max_length=300, blank=True, editable=False)
    requests = models.BigIntegerField(default=0, editable=False)
    failures = models.BigIntegerField(default=0, editable=False, help_text="Requests that got no clear answer.")
    request_milliseconds = models.BigIntegerField(
        default=0, editable=False, help_text="That all requests took together."
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(exchange_rate__gt=0), name="provider_exchange_rate_positive"),
            models.CheckConstraint(
                condition=Q(requests_a_second__gte=1, parallel_requests__gte=1), name="provider_limits_positive"
            ),
        )
        ordering = ("name",)

    def __str__(self) -> str:
        return str(self.name)

    @property
    def key(self) -> str:
        """The API key, decrypted. Raises `encryption.DecryptionError`."""
        return encryption.decrypt(bytes(self.encrypted_key))

    @key.setter
    def key(self, text: str) -> None:
        self.encrypted_key = encryption.encrypt(text)


class ProviderService(models.Model):
    """A service that a provider sells, as of the last sync. `rate` is in the provider's currency."""

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="services")
    upstream_id = models.CharField("provider's id", max_length=64)
    name = models.CharField(max_length=500)
    type = models.CharField(max_length=64)
    category = models.CharField(max_length=300, blank=True)
    rate = models.DecimalField(max_digits=20, decimal_places=7)
    min = models.PositiveBigIntegerField(default=1)
    max = models.PositiveBigIntegerField(default=1)
    refill = models.BooleanField(default=False)
    cancel = models.BooleanField(default=False)
    dripfeed = models.BooleanField("drip-feed", default=False)
    description = models.TextField(blank=True)
    average_time = models.CharField(max_length=60, blank=True)
    is_delisted = models.BooleanField(
        "gone", default=False, help_text="The provider does not list the service any more."
    )
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "upstream_id"), name="provider_service_once"),
            models.CheckConstraint(condition=Q(rate__gte=0), name="provider_service_rate_not_negative"),
        )
        ordering = ("provider", "category", "id")

    def __str__(self) -> str:
        return f"{self.provider} · {self.upstream_id} · {self.name}"


class SyncedField(TextEnum):
    """A field of a service that follows the provider's service when that changes."""

    RATE = "rate"
    MIN = "min"
    MAX = "max"
    NAME = "name"
    DESCRIPTION = "description"
    REFILL = "refill"
    CANCEL = "cancel"
    DRIPFEED = "dripfeed"


class Route(models.Model):
    """A way from a service to a provider's service. Orders take the first, and the next one only after a refusal."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="routes")
    position = models.PositiveIntegerField(default=1, help_text="The lowest is tried first.")
    provider_service = models.ForeignKey(ProviderService, on_delete=models.PROTECT, related_name="routes")
    is_active = models.BooleanField("active", default=True)
    multiplier = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        default=1,
        validators=[MinValueValidator(Decimal("0.0001"))],
        help_text="How many units of the provider make one of ours.",
    )
    overflow_percent = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(100)], help_text="Extra quantity ordered to make up for drops."
    )
    follows = ArrayField(
        models.CharField(max_length=16, choices=SyncedField.choices()),
        default=list,
        blank=True,
        help_text="What follows the provider's service.",
    )
    markup_percent = models.DecimalField(
        max_digits=8, decimal_places=2, default=0, help_text="Markup on the provider's rate, if the rate follows it."
    )
    rate_decimals = models.PositiveSmallIntegerField(
        default=4, validators=[MaxValueValidator(7)], help_text="The rate is rounded up to this many decimals."
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("service", "provider_service"), name="route_once"),
            models.CheckConstraint(condition=Q(multiplier__gt=0), name="route_multiplier_positive"),
        )
        ordering = ("service", "position", "id")

    def __str__(self) -> str:
        return f"{self.service_id} → {self.provider_service_id}"


class RoutePause(models.Model):
    """A route along which nothing goes until `until`, or whose refusals are counted. See `engine.route_pauses`."""

    route = models.OneToOneField(Route, primary_key=True, on_delete=models.CASCADE, related_name="pause")
    meaning = models.CharField(max_length=12, choices=RefusalMeaning.choices())
    reason = models.CharField(max_length=300, help_text="The provider's words.")
    refusals = models.IntegerField(
        default=0, db_default=0, help_text="Unexplained refusals since an order was accepted."
    )
    orders = ArrayField(
        models.BigIntegerField(), default=list, db_default=Value([], ArrayField(models.BigIntegerField()))
    )
    tries = models.IntegerField(default=0, db_default=0)
    until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = (models.Index(fields=("until",), condition=Q(until__isnull=False), name="route_paused"),)

    def __str__(self) -> str:
        return f"{self.route_id}: {self.reason}"


class RefusalText(models.Model):
    """The words of a refusal that Tradepost does not know, and what an operator has said that they mean."""

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="refusal_texts")
    key = models.CharField(max_length=300, editable=False, help_text="The words without case, accents and numbers.")
    text = models.CharField("the provider's words", max_length=300, help_text="As they came last.")
    meaning = models.CharField(
        max_length=12,
        choices=RefusalMeaning.choices(),
        db_default=RefusalMeaning.UNKNOWN.value,
        default=RefusalMeaning.UNKNOWN.value,
    )
    is_for_all = models.BooleanField(
        "for all providers", db_default=False, default=False, help_text="These words mean the same at every provider."
    )
    count = models.BigIntegerField("how often", default=0, db_default=0)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("provider", "key"), name="refusal_text_once"),
            models.CheckConstraint(condition=Q(meaning__in=RefusalMeaning.values()), name="refusal_text_meaning_known"),
        )
        ordering = ("-last_at",)

    def __str__(self) -> str:
        return str(self.text)


class PollRound(models.Model):
    """How far the polling of a provider's orders in one age group has come. Written by `tradepost.engine.polling`."""

    pk = models.CompositePrimaryKey("provider_id", "age")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="+", db_index=False)
    age = models.SmallIntegerField()
    started_at = models.DateTimeField()
    # Still to poll in this round: orders sent before `cursor_at`, and orders sent at `cursor_at` with ids below this.
    cursor_at = models.DateTimeField(null=True)
    cursor_order = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.age}"
