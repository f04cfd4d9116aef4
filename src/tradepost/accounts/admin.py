"""Accounts and keys in the back office. Nobody is deleted: an account is suspended, a key is revoked."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.accounts import keys, signing_up
from tradepost.accounts.models import Account, Key
from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    ChoicesDropdownFilter,
    DialogForm,
    IntegerWidget,
    ModelAdmin,
    RadioFilter,
    TabularInline,
    UserAdmin,
    UserChangeForm,
    dialog_button,
)
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.staff import ranks

OWN_RANKS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")  # nobody's to change for themselves


class AccountCreationForm(AdminUserCreationForm[Account]):
    """A new account, with a password or without one."""

    class Meta:
        model = Account
        fields = ("email", "name")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["usable_password"]
        field.label = "With a password"
        field.help_text = "Without one nobody can sign in until one is set; keys work all the same."


class AccountChangeForm(UserChangeForm[Account]):
    """An account."""

    class Meta:
        model = Account
        fields = ("email", "name", "is_active", "is_staff", "is_superuser", "groups", "user_permissions")


class LimitForm(DialogForm):
    """How often a key may ask the API."""

    requests_a_minute = forms.IntegerField(
        label="Requests a minute",
        required=False,
        min_value=0,
        max_value=REQUESTS_A_MINUTE_MAX,
        help_text="0: as many as it likes. Empty: the desk's default.",
        widget=IntegerWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = Key.objects.filter(pk=kwargs["object_id"]).values_list("requests_a_minute", flat=True).first()
        self.fields["requests_a_minute"].initial = now


class KeyShown:
    """What is shown of a key: how it begins, never what it is."""

    used = showing.time_of("last_used_at", "last used")
    created = showing.time_of("created_at", "created")
    used_exactly = showing.time_of("last_used_at", "last used", exact=True)
    created_exactly = showing.time_of("created_at", "created", exact=True)
    revoked_exactly = showing.time_of("revoked_at", "revoked", exact=True)

    @admin.display(description="key", ordering="id")
    def hint_shown(self, key: Key) -> SafeString:
        """Show how it begins."""
        return format_html('<code class="tp-nowrap">{}</code>', str(key))

    @admin.display(description="account")
    def owner(self, key: Key) -> SafeString:
        """Show whose it is."""
        return showing.owner(key.account)

    @admin.display(description="allowed from")
    def networks_shown(self, key: Key) -> str:
        """Show the networks it may be used from."""
        return ", ".join(key.networks) or "anywhere"

    @admin.display(description="limit")
    def limit_shown(self, key: Key) -> str:
        """Show how often it may ask."""
        return key.limit_in_words

    @admin.display(description="state")
    def state(self, key: Key) -> SafeString:
        """Tell whether it is good for anything."""
        if key.revoked_at:
            return showing.badge("revoked", "danger")
        return showing.badge("good", "success") if key.account.is_active else showing.badge("suspended", "warning")


class KeyInline(KeyShown, ReadOnly, TabularInline[Key, Account]):
    """The account's keys; the way to revoke one leads over its own page."""

    model = Key
    fields = readonly_fields = (
        "hint_shown", "name", "scope", "networks_shown", "used", "created", "state", "revoke_link",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Key]:
        """Bring the accounts along, which tell whether the keys are suspended."""
        return super().get_queryset(request).select_related("account__test_of")

    @admin.display(description="")
    def revoke_link(self, key: Key) -> SafeString | str:
        """Lead to the page that revokes it."""
        if key.revoked_at:
            return ""
        return format_html(
            '<a class="tp-link" href="{}">Revoke…</a>', reverse("admin:accounts_key_change", args=[key.pk])
        )


@admin.register(Account)
class AccountAdmin(Endless, UserAdmin[Account]):
    """Customers and staff. Roles are handed out by owners, and nobody changes an account that may do more than they."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "state", "staff", "balance", "credit_limit", "joined")
    list_filter = ("is_active", "is_staff")
    list_filter_submit = True
    list_select_related = ("ledger_account",)
    ordering = ("-id",)
    search_fields = ("email", "name")
    search_help_text = "E-mail address or name"
    inlines = (KeyInline,)
    joined = showing.time_of("created_at", "joined")
    made = showing.time_of("created_at", "created", exact=True)
    signed_in = showing.time_of("last_login", "last signed in", exact=True)
    actions = ("suspend", "activate")
    readonly_fields = ("balance", "credit_limit", "made", "signed_in", "look_up")
    fieldsets = (
        (None, {"fields": (("email", "name"), "password", "is_active")}),
        ("Money", {"fields": (("balance", "credit_limit"), "look_up")}),
        ("Staff", {"fields": (("is_staff", "is_superuser"), "groups", "user_permissions"), "classes": ("collapse",)}),
        ("Dates", {"fields": (("made", "signed_in"),)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """Leave test accounts out: they are no people, and are suspended along with whom they stand for."""
        return super().get_queryset(request).filter(test_of=None)

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> Any:  # noqa: ARG002 - Django's
        """Show keys of those who can have any."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """Keep rights to those who hand them out, and keep people from changing their own."""
        fields: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        if not ranks.may_hand_out(request.user):
            fields += ("is_staff", "groups")
        if not request.user.is_superuser:
            fields += ("is_superuser", "user_permissions")
        return fields + OWN_RANKS if obj and obj.pk == request.user.pk else fields

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles that have no more rights than whoever hands them out."""
        if db_field.name == "groups":
            kwargs["queryset"] = ranks.groups_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Leave alone who may do more: or who may change accounts could take over theirs."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or ranks.may_change(request.user, obj))

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Take the address that staff has typed for verified."""
        super().save_model(request, obj, form, change)
        signing_up.vouch(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:  # noqa: ARG002 - Django's
        """Nobody may: the account's orders and transfers stay. Suspend it."""
        return False

    @admin.display(description="state", ordering="is_active")
    def state(self, account: Account) -> SafeString:
        """Tell whether it is suspended."""
        return showing.badge("active", "success") if account.is_active else showing.badge("suspended", "danger")

    @admin.display(description="staff", ordering="is_staff")
    def staff(self, account: Account) -> SafeString | str:
        """Tell whether it may open the back office."""
        return showing.badge("staff", "primary") if account.is_staff else showing.NOTHING

    @showing.figure("balance", ordering="ledger_account__balance")
    def balance(self, account: Account) -> str:
        """Show what it has to spend."""
        return showing.amount(account.ledger_account.balance)

    @showing.figure("credit limit", ordering="ledger_account__credit_limit")
    def credit_limit(self, account: Account) -> str:
        """Show how far below zero its balance may go."""
        return showing.amount(account.ledger_account.credit_limit)

    @admin.display(description="look up")
    def look_up(self, account: Account) -> SafeString:
        """Lead to what belongs to it."""
        return format_html(
            '<a class="tp-link" href="{}?account={}">Orders</a> · <a class="tp-link" href="{}?q={}">Transfers</a>'
            ' · <a class="tp-link" href="{}?account={}">Custom rates</a>'
            ' · <a class="tp-link" href="{}?q={}">Keys, for tests too</a>',
            reverse("admin:orders_order_changelist"), account.pk,
            reverse("admin:ledger_transfer_changelist"), account.email,
            reverse("admin:catalog_customrate_changelist"), account.pk,
            reverse("admin:accounts_key_changelist"), account.email,
        )  # fmt: skip

    @admin.action(description="Suspend", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Let them neither sign in nor order; nothing else of theirs changes."""
        self._set_active(request, queryset, active=False)

    @admin.action(description="Activate", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Let them in again."""
        self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Account], *, active: bool) -> None:
        asked = queryset.filter(is_active=not active)
        changing = [each for each in asked if each.pk != request.user.pk and self.has_change_permission(request, each)]
        Account.objects.filter(pk__in=[account.pk for account in changing]).update(is_active=active)
        done = "activated" if active else "suspended"
        for account in changing:
            self.log_change(request, account, done.capitalize())
        self.message_user(request, f"{len(changing)} {done}.", messages.SUCCESS)


class KeyStateFilter(RadioFilter):
    """Good keys, or revoked ones."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's
        """Offer both."""
        return [("good", "Good"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list down."""
        return queryset.filter(revoked_at__isnull=self.value() == "good") if self.value() else queryset


@admin.register(Key)
class KeyAdmin(KeyShown, ReadOnly, Endless, ModelAdmin[Key]):
    """Every key. None is made here, for it could be shown once only; all can be limited and revoked."""

    list_display = ("hint_shown", "account", "name", "scope", "networks_shown", "used", "created", "state")
    list_filter = (("scope", ChoicesDropdownFilter), KeyStateFilter)
    list_filter_submit = True
    list_select_related = ("account__test_of",)
    ordering = ("-id",)
    search_fields = ("hint", "name", "account__email", "account__test_of__email")
    search_help_text = "How it begins, name or e-mail address"
    actions = ("revoke_ticked",)
    actions_detail = ("limit", "revoke")
    readonly_fields = (
        "hint_shown", "state", "owner", "name", "scope", "networks_shown", "limit_shown",
        "created_exactly", "used_exactly", "revoked_exactly",
    )  # fmt: skip
    fields = (
        ("hint_shown", "state"), "owner", "name", ("scope", "networks_shown", "limit_shown"),
        ("created_exactly", "used_exactly", "revoked_exactly"),
    )  # fmt: skip

    def has_alter_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Let whoever may change keys limit and revoke those that are good, and do nothing else with them."""
        key = self.get_object(request, object_id) if object_id else None
        is_left_to_do = object_id is None or bool(key and key.revoked_at is None)
        return is_left_to_do and request.user.has_perm("accounts.change_key")

    @admin.action(description="Revoke", permissions=["alter"])
    def revoke_ticked(self, request: HttpRequest, queryset: QuerySet[Key]) -> None:
        """Refuse them from the next request on, on every node."""
        revoked = [key for key in queryset if self._revoke(request, key)]
        self.message_user(request, f"{len(revoked)} revoked.", messages.SUCCESS)

    @dialog_button(
        "Limit",
        permission="alter",
        title="How often may this key ask?",
        text="Each server holds it to that within 5 seconds of its next use. Requests beyond are answered 429.",
        form=LimitForm,
    )
    def limit(self, request: HttpRequest, form: LimitForm, object_id: str) -> HttpResponse:
        """Change how often it may ask."""
        key = get_object_or_404(Key, pk=object_id)
        if keys.limit(key.pk, form.cleaned_data["requests_a_minute"]):
            key.refresh_from_db()
            self.log_change(request, key, f"Limit set to {key.limit_in_words}")
            self.message_user(request, f"The limit of the key {key} is {key.limit_in_words}.", messages.SUCCESS)
        else:
            self.message_user(request, f"The key {key} was revoked before.", messages.WARNING)
        return _back_to(key)

    @dialog_button(
        "Revoke",
        permission="alter",
        title="Revoke this key?",
        text="Programs that use it are refused from their next request on. It can't be made good again.",
        danger=True,
    )
    def revoke(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:  # noqa: ARG002 - Unfold's
        """Refuse it from the next request on, on every node; asked back first."""
        key = get_object_or_404(Key, pk=object_id)
        if self._revoke(request, key):
            self.message_user(request, f"The key {key} is revoked.", messages.SUCCESS)
        else:
            self.message_user(request, f"The key {key} was revoked before.", messages.WARNING)
        return _back_to(key)

    def _revoke(self, request: HttpRequest, key: Key) -> bool:
        revoked = keys.revoke(key.pk)
        if revoked:
            self.log_change(request, key, "Revoked")
        return revoked


def _back_to(key: Key) -> HttpResponse:
    """Have the dialog lead to the key's page, loaded anew."""
    return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_key_change", args=[key.pk])})
