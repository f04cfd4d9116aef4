"""Accounts of customers and staff, their API keys, and what staff notes and does about them."""

from typing import ClassVar

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from tradepost import formats
from tradepost.accounts.languages import LANGUAGES
from tradepost.engine.actors import ACTOR_CHARS_MAX
from tradepost.engine.enums import TextEnum
from tradepost.engine.keys import Scope

REASON_CHARS_MAX = 500
CHANGE_CHARS_MAX = 80  # of what an event changed
THEMES = [("", _("System")), ("light", _("Light")), ("dark", _("Dark"))]


class LowercaseEmailField(models.EmailField):  # type: ignore[type-arg] # generic in the stubs only
    """An e-mail address, stored and looked up in lower case: one address is one account, however it is typed."""

    def get_prep_value(self, value: object) -> object:
        prepared = super().get_prep_value(value)
        return prepared.lower() if isinstance(prepared, str) else prepared


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Account":
        """Create an account. Without a password, nobody can sign in to it until one is set."""
        account = self.model(email=email.lower(), **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "Account":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Account(AbstractBaseUser, PermissionsMixin):
    """A customer, or a member of staff. A trigger creates its `ledger_account`, which has its money.

    A *test account* belongs to another account (`test_of`). It has play money, and orders by its keys are simulated.
    Nobody signs in to it, so it has no address. If its account is suspended, a trigger suspends it too.
    """

    id = models.BigAutoField(primary_key=True)
    email = LowercaseEmailField("e-mail", max_length=254, unique=True, null=True)
    test_of = models.OneToOneField(
        "self", null=True, editable=False, on_delete=models.PROTECT, related_name="test_account"
    )
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(
        "active", default=True, help_text="A suspended account can't sign in, and its keys are refused."
    )
    is_staff = models.BooleanField("staff", default=False, help_text="May open the back office.")
    duplicate_window_seconds = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Seconds in which the same service, link and quantity count as one order; 0 turns this off.",
    )
    language = models.CharField(
        max_length=8, blank=True, default="", db_default="", choices=[("", _("Browser default")), *LANGUAGES]
    )
    # Empty: not known yet, so the browser's (`time_zones`).
    timezone = models.CharField(max_length=64, blank=True, default="", db_default="")
    theme = models.CharField(max_length=8, blank=True, default="", db_default="", choices=THEMES)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = (
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="account_email_lower_case"),
            models.CheckConstraint(
                condition=models.Q(email__isnull=True, test_of__isnull=False)
                | models.Q(email__isnull=False, test_of__isnull=True),
                name="account_person_or_test",
            ),
        )
        ordering = ("id",)
        permissions = (
            ("manage_staff", "Can say who is staff, and in which role"),
            ("impersonate_account", "Can log in as a customer"),
            ("change_address", "Can change the e-mail address with which an account signs in"),
        )

    def __str__(self) -> str:
        return f"{self.test_of} (test)" if self.test_of else str(self.email)


class Key(models.Model):
    """An API key. Only its SHA-256 is stored, so nobody can read the key here or in a backup."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="keys")
    name = models.CharField(max_length=100, blank=True, help_text="What the key is used for; only the account sees it.")
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False, help_text="The beginning of the key.")
    scope = models.CharField(max_length=8, choices=Scope.choices(), default=Scope.ORDER.value)
    networks = ArrayField(
        models.CharField(max_length=43),
        default=list,
        blank=True,
        help_text="Allowed IP addresses. Leave empty to allow any.",
    )
    requests_a_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Maximum API requests per minute; 0 means no limit, empty the desk's default."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = (models.CheckConstraint(condition=models.Q(scope__in=Scope.values()), name="key_scope_known"),)
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def limit_in_words(self) -> str:
        """The key's own rate limit, for people to read."""
        if self.requests_a_minute is None:
            return "the desk's default"
        return f"{formats.whole(self.requests_a_minute)} requests a minute" if self.requests_a_minute else "unlimited"


class Note(models.Model):
    """What staff should know about an account. The customer never sees it. Only `is_pinned` may change (a trigger)."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="notes")
    text = models.CharField(max_length=2000)
    author = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    is_pinned = models.BooleanField("pinned", default=False, db_default=False)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=~models.Q(text=""), name="note_says_something"),
            # A pinned note is shown at the top of the account's page, so there is one at most.
            models.UniqueConstraint(fields=("account",), condition=models.Q(is_pinned=True), name="note_one_pinned"),
        )
        ordering = ("-is_pinned", "-id")

    def __str__(self) -> str:
        return self.text


class EventKind(TextEnum):
    """The actions of staff on an account that are recorded."""

    SUSPENDED = "suspended"
    ACTIVATED = "activated"
    CREDIT_LIMIT = "credit limit"
    RESET_MAILED = "reset mailed"
    EMAIL_CONFIRMED = "email confirmed"
    ADDRESS_CHANGE = "address change"
    SECOND_FACTOR_OFF = "second factor off"
    SESSIONS_ENDED = "sessions ended"
    LOGGED_IN_AS = "logged in as"

    @property
    def label(self) -> str:
        """Its name in the back office."""
        return _EVENT_LABELS.get(self, self.value.capitalize())


_EVENT_LABELS = {
    EventKind.CREDIT_LIMIT: "Credit limit changed",
    EventKind.RESET_MAILED: "Mail to set a new password sent",
    EventKind.EMAIL_CONFIRMED: "E-mail address confirmed",
    EventKind.ADDRESS_CHANGE: "Change of the e-mail address begun",
    EventKind.SECOND_FACTOR_OFF: "Second factor turned off",
}


class AccountEvent(models.Model):
    """An action of staff on an account: who, when, from where, why. Append-only (a trigger)."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(db_default=Now())
    actor = models.CharField(max_length=ACTOR_CHARS_MAX)
    address = models.GenericIPAddressField(null=True)
    kind = models.CharField(max_length=20, choices=EventKind.choices())
    before = models.CharField(max_length=CHANGE_CHARS_MAX, blank=True, default="", db_default="")
    after = models.CharField(max_length=CHANGE_CHARS_MAX, blank=True, default="", db_default="")
    reason = models.CharField(max_length=REASON_CHARS_MAX, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=models.Q(kind__in=EventKind.values()), name="account_event_kind_known"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return EventKind(self.kind).label


class Impersonation(models.Model):
    """A period in which a member of staff was logged in as a customer.

    It ends at `ended_at`; if that is empty, at `expires_at`. Rows are never deleted, and only `ended_at` may change,
    once (a trigger).
    """

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="impersonations")
    staff = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=REASON_CHARS_MAX)
    address = models.GenericIPAddressField(null=True)
    started_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "login as a customer"
        verbose_name_plural = "logins as customers"
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(account=models.F("staff")), name="impersonation_of_somebody_else"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="impersonation_for_a_reason"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.staff} as {self.account}"

    @property
    def signature(self) -> str:
        """The actor to record during the impersonation, at most `ACTOR_CHARS_MAX` characters long."""
        half = (ACTOR_CHARS_MAX - len(" as ")) // 2
        return f"{str(self.staff)[:half]} as {str(self.account)[:half]}"


class RateLimitCount(models.Model):
    """What the limits of sign-in have counted under a key (`attempts_cache`). Unlogged: a crash forgets the counts."""

    key = models.CharField(max_length=250, primary_key=True)
    value = models.JSONField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()


class OutgoingMail(models.Model):
    """A mail that waits for the worker, which deletes the row once the mail server has taken the mail."""

    id = models.BigAutoField(primary_key=True)
    recipient = models.CharField(max_length=254)
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=998)
    body = models.TextField()
    created_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), db_index=True)
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()


class SignInKind(TextEnum):
    """What the log of sign-ins records."""

    SIGNED_IN = "signed in"
    FAILED = "failed"
    THROTTLED = "throttled"
    FACTOR_ADDED = "factor added"
    FACTOR_REMOVED = "factor removed"
    CODES_RENEWED = "codes renewed"
    RESET_ASKED = "reset asked"
    RESET_DONE = "reset done"
    PASSWORD_CHANGED = "password changed"  # noqa: S105 - the name of an event
    ADDRESS_CHANGED = "address changed"
    SESSIONS_ENDED = "sessions ended"
    KEY_REFUSED = "key refused"
    RIGHT_REFUSED = "right refused"

    @property
    def label(self) -> str:
        """Its name in the back office."""
        return _SIGN_IN_LABELS.get(self, self.value.capitalize())


_SIGN_IN_LABELS = {
    SignInKind.FAILED: "Sign-in failed",
    SignInKind.THROTTLED: "Too many tries",
    SignInKind.FACTOR_ADDED: "Second factor added",
    SignInKind.FACTOR_REMOVED: "Second factor removed",
    SignInKind.CODES_RENEWED: "Recovery codes renewed",
    SignInKind.RESET_ASKED: "Password reset asked for",
    SignInKind.RESET_DONE: "Password reset",
    SignInKind.KEY_REFUSED: "API key refused",
}
# Anybody can cause these without end, so equal ones of a minute share a row.
COUNTED_KINDS = (SignInKind.FAILED, SignInKind.THROTTLED, SignInKind.KEY_REFUSED, SignInKind.RIGHT_REFUSED)


class SignInEvent(models.Model):
    """An entry of the log of sign-ins. Append-only (a trigger), until it is older than the log is kept.

    Events of `COUNTED_KINDS` have a `minute`: equal ones share a row, whose `count` is all that may change. The log has
    no password, no code, no session, of a key its prefix at most, and of an address without an account its digest.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=20, choices=SignInKind.choices())
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="sign_ins", db_index=False)
    login = models.CharField(max_length=16, blank=True, default="", db_default="")
    method = models.CharField(max_length=60, blank=True, default="", db_default="")
    detail = models.CharField(max_length=120, blank=True, default="", db_default="")
    address = models.GenericIPAddressField(null=True)
    network = models.CharField(max_length=45, blank=True, default="", db_default="")
    browser = models.CharField(max_length=200, blank=True, default="", db_default="")
    minute = models.DateTimeField(null=True)
    count = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        verbose_name = "sign-in event"
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(condition=models.Q(kind__in=SignInKind.values()), name="sign_in_event_kind_known"),
            models.CheckConstraint(condition=models.Q(count__gte=1), name="sign_in_event_counts"),
            # Equal events of a minute are one row, so that a flood of them can't fill the disk.
            models.UniqueConstraint(
                fields=("minute", "kind", "account", "login", "method", "network", "detail"),
                condition=models.Q(minute__isnull=False),
                nulls_distinct=False,
                name="sign_in_event_once_a_minute",
            ),
        )
        indexes = (
            models.Index(fields=("account", "id"), name="sign_in_event_of_account"),
            models.Index(fields=("address", "id"), name="sign_in_event_of_address"),
            models.Index(fields=("at",), name="sign_in_event_at"),
        )
        ordering = ("-id",)

    def __str__(self) -> str:
        return SignInKind(self.kind).label


class SignInTotal(models.Model):
    """How many events of a kind there have ever been, for `/metrics`. A trigger of the log keeps it."""

    kind = models.CharField(max_length=20, primary_key=True)
    count = models.BigIntegerField()

    class Meta:
        default_permissions = ()
