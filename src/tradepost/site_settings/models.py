"""Settings that operators change while the desk runs. All others are in the environment (decision 41)."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.site_settings.limits import KEYS_AT_FIRST, KEYS_MAX, LINES_MAX

SIGN_UPS = (("open", "Open to everybody"), ("invitation", "By invitation"), ("closed", "Closed"))


class SiteSettings(models.Model):
    """The one row of settings. For an empty field, the environment's value or Tradepost's default holds.

    A change takes effect with the next request, in every process. Once money has moved, a trigger refuses another
    currency, since every amount in the books would change its meaning.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    panel_name = models.CharField(max_length=40, blank=True, default="", db_default="")
    currency = models.CharField(
        max_length=3, validators=[RegexValidator("^[A-Z]{3}$", "Three capital letters, like USD.")]
    )
    sign_up = models.CharField(
        "who may sign up", max_length=10, blank=True, default="", db_default="", choices=SIGN_UPS
    )
    notice = models.CharField(max_length=500, blank=True, default="", db_default="")
    payment_text = models.TextField("how to pay", max_length=5_000, blank=True, default="", db_default="")
    contact_email = models.EmailField("contact address", max_length=254, blank=True, default="", db_default="")
    contact_url = models.URLField("contact link", max_length=500, blank=True, default="", db_default="")
    headline = models.CharField("headline of the front page", max_length=120, blank=True, default="", db_default="")
    intro = models.CharField("text below the headline", max_length=500, blank=True, default="", db_default="")
    terms = models.TextField(max_length=50_000, blank=True, default="", db_default="")
    requests_a_minute = models.PositiveIntegerField(
        "requests a minute", null=True, blank=True, validators=[MaxValueValidator(REQUESTS_A_MINUTE_MAX)]
    )
    mass_order_lines_max = models.PositiveIntegerField(
        "lines of a mass order",
        default=LINES_MAX,
        db_default=LINES_MAX,
        validators=[MinValueValidator(1), MaxValueValidator(LINES_MAX)],
    )
    keys_max = models.PositiveIntegerField(
        "keys of an account",
        default=KEYS_AT_FIRST,
        db_default=KEYS_AT_FIRST,
        validators=[MinValueValidator(1), MaxValueValidator(KEYS_MAX)],
    )

    class Meta:
        db_table = "site_settings"
        verbose_name = verbose_name_plural = "settings"
        default_permissions = ("view", "change")
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="site_settings_one_row"),
            models.CheckConstraint(
                condition=Q(currency__regex="^[A-Z]{3}$"), name="site_settings_currency_three_capitals"
            ),
            models.CheckConstraint(
                condition=Q(sign_up__in=["", "open", "invitation", "closed"]), name="site_settings_sign_up_known"
            ),
            models.CheckConstraint(
                condition=Q(requests_a_minute__lte=REQUESTS_A_MINUTE_MAX), name="site_settings_requests_a_minute_max"
            ),
            models.CheckConstraint(
                condition=Q(mass_order_lines_max__range=(1, LINES_MAX), keys_max__range=(1, KEYS_MAX)),
                name="site_settings_limits_sane",
            ),
        )

    def __str__(self) -> str:
        return "Settings"
