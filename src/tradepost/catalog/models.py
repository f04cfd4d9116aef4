"""The catalog: categories, services, rates agreed with accounts, and price lists."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tradepost.engine.link_rules import LinkKind
from tradepost.engine.order_types import OrderType
from tradepost.engine.routing import Fulfilment, OnRefusal

PERCENT = (MinValueValidator(0), MaxValueValidator(100))


class Category(models.Model):
    name = models.CharField(max_length=200, unique=True)
    position = models.IntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """A service on offer. `type` decides an order's parameters (docs/protocol.md §3). Never deleted, only off sale."""

    id = models.BigAutoField(primary_key=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="services")
    position = models.IntegerField(default=0, db_default=0)
    name = models.CharField(max_length=300)
    description = models.TextField(blank=True, default="", db_default="")
    type = models.CharField(max_length=32, choices=OrderType.choices(), default=OrderType.DEFAULT.value)
    rate = models.DecimalField(
        max_digits=20,
        decimal_places=7,
        validators=[MinValueValidator(0)],
        help_text="Price of 1,000; for a package, the price of the package.",
    )
    min = models.PositiveBigIntegerField(default=1, db_default=1)
    max = models.PositiveBigIntegerField(default=1, db_default=1)
    refill = models.BooleanField(default=False, db_default=False)
    refill_days = models.PositiveIntegerField(
        default=30,
        db_default=30,
        help_text="Days after completion in which a refill can be requested; 0 means no limit.",
    )
    refill_wait_hours = models.PositiveIntegerField(
        default=0, db_default=0, help_text="How long to wait after completion, and after each refill."
    )
    cancel = models.BooleanField(default=False, db_default=False)
    dripfeed = models.BooleanField("drip-feed", default=False, db_default=False)
    average_time = models.CharField(max_length=60, blank=True, default="", db_default="")
    fulfilment = models.CharField(
        max_length=16,
        choices=Fulfilment.choices(),
        default=Fulfilment.MANUAL.value,
        db_default=Fulfilment.MANUAL.value,
    )
    on_refusal = models.CharField(
        "if every provider rejects",
        max_length=8,
        choices=OnRefusal.choices(),
        default=OnRefusal.CANCEL.value,
        db_default=OnRefusal.CANCEL.value,
        help_text="If every provider rejects the order: cancel and refund, or hold it for review.",
    )
    quarantine = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="Why the service was taken off sale automatically.",
    )
    is_active = models.BooleanField("for sale", default=True, db_default=True)
    link_pattern = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="A regular expression that the whole link must match.",
    )
    link_kind = models.CharField(
        max_length=8,
        choices=LinkKind.choices(),
        default=LinkKind.ANY.value,
        db_default=LinkKind.ANY.value,
        help_text="What the order form asks for. Without a pattern, this is also what the service accepts.",
    )
    one_order_per_link = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Refuse a second order of an account while one with this link is active.",
    )

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(type__in=OrderType.values()), name="service_type_known"),
            models.CheckConstraint(condition=Q(fulfilment__in=Fulfilment.values()), name="service_fulfilment_known"),
            models.CheckConstraint(condition=Q(on_refusal__in=OnRefusal.values()), name="service_on_refusal_known"),
            models.CheckConstraint(condition=Q(link_kind__in=LinkKind.values()), name="service_link_kind_known"),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(quarantine=""), name="service_quarantined_not_sold"
            ),
            models.CheckConstraint(condition=Q(rate__gte=0), name="service_rate_not_negative"),
            models.CheckConstraint(condition=Q(min__gte=1, max__gte=models.F("min")), name="service_min_max"),
        )
        ordering = ("category__position", "position", "id")
        permissions = (
            ("import_catalog", "Can import services, categories and custom rates from files"),
            ("export_catalog", "Can export services, categories and custom rates to files"),
        )

    def __str__(self) -> str:
        return f"{self.pk} · {self.name}"


class CustomRate(models.Model):
    """A rate agreed with one account, in place of the service's own."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="custom_rates")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="custom_rates")
    rate = models.DecimalField(max_digits=20, decimal_places=7, validators=[MinValueValidator(0)])

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("account", "service"), name="custom_rate_once"),
            models.CheckConstraint(condition=Q(rate__gte=0), name="custom_rate_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} · {self.service_id}: {self.rate}"


class PriceList(models.Model):
    """The prices of its members: rates of services, discounts on categories, and a discount on everything else."""

    name = models.CharField(max_length=100, unique=True)
    discount_percent = models.DecimalField(
        "discount, percent",
        max_digits=7,
        decimal_places=4,
        default=0,
        db_default=0,
        validators=PERCENT,
        help_text="For all services without a rate or a category discount in this list.",
    )
    not_below_cost = models.BooleanField(
        default=False,
        db_default=False,
        help_text="The price is raised to the service's highest cost, if that is more;"
        " but never above the service's own rate.",
    )
    note = models.TextField(blank=True, default="", db_default="", help_text="Only staff see this.")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100), name="price_list_discount_percent"
            ),
        )
        ordering = ("name",)

    def __str__(self) -> str:
        return str(self.name)


class PriceListDiscount(models.Model):
    """A price list's discount on one category, in place of its discount on everything."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="discounts")
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="+")
    discount_percent = models.DecimalField(
        "discount, percent", max_digits=7, decimal_places=4, validators=PERCENT, help_text="0 means no discount."
    )

    class Meta:
        verbose_name = "discount on a category"
        verbose_name_plural = "discounts on categories"
        constraints = (
            models.UniqueConstraint(fields=("price_list", "category"), name="price_list_discount_once"),
            models.CheckConstraint(
                condition=Q(discount_percent__gte=0, discount_percent__lte=100), name="category_discount_percent"
            ),
        )

    def __str__(self) -> str:
        return f"{self.price_list_id} · {self.category_id}: {self.discount_percent} %"


class PriceListRate(models.Model):
    """A price list's rate for one service, in place of any discount."""

    price_list = models.ForeignKey(PriceList, on_delete=models.CASCADE, related_name="rates")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+")
    rate = models.DecimalField(max_digits=20, decimal_places=7, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = "rate of a service"
        verbose_name_plural = "rates of services"
        constraints = (
            models.UniqueConstraint(fields=("price_list", "service"), name="price_list_rate_once"),
            models.CheckConstraint(condition=Q(rate__gte=0), name="price_list_rate_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.price_list_id} · {self.service_id}: {self.rate}"


class PriceListMember(models.Model):
    """An account on a price list. The account is the primary key, so it is on one list at most."""

    account = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="price_list_membership"
    )
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, related_name="members")
    joined_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "member"
        ordering = ("joined_at", "account")

    def __str__(self) -> str:
        return f"{self.account_id} · {self.price_list_id}"


class PendingImport(models.Model):
    """A parsed file that staff checks before the import. It is in the database, since any node may get the request."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    file_name = models.CharField(max_length=200)
    content = models.BinaryField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.file_name)


class Favourite(models.Model):
    """A service that a customer marked in the panel."""

    pk = models.CompositePrimaryKey("account_id", "service_id")
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="favourites", db_index=False
    )
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+", db_index=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.account_id} · {self.service_id}"


class ServiceChange(models.Model):
    """A change of a service that customers should know. A trigger writes it, however the change is made."""

    NEW, ON_SALE, OFF_SALE, RATE = "new", "on sale", "off sale", "rate"
    KINDS = (NEW, ON_SALE, OFF_SALE, RATE)

    id = models.BigAutoField(primary_key=True)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="changes", db_index=False)
    kind = models.CharField(max_length=8, choices=[(kind, kind) for kind in KINDS])
    rate_before = models.DecimalField(max_digits=20, decimal_places=7, null=True, help_text="The rate before.")
    rate = models.DecimalField(max_digits=20, decimal_places=7)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=("new", "on sale", "off sale", "rate")), name="service_change_kind_known"
            ),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.service_id}: {self.kind}"


class CatalogVersion(models.Model):
    """One row with a number. Triggers increase it on a change of any table that rates depend on, and of routes' costs.

    Every node keeps the catalog in memory, and reads this number in the statement that locks accounts or looks up
    keys. So no node ever sells at an old rate.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=1, db_default=1)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(id=1), name="catalog_version_one_row"),)

    def __str__(self) -> str:
        return str(self.version)
