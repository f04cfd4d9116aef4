"""Accounts in the back office. Nobody is deleted: an account is suspended."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.accounts import signing_up
from tradepost.accounts.admin.keys import KeyInline
from tradepost.accounts.models import Account
from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.styled import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    UserAdmin,
    UserChangeForm,
)

RANKS = ("is_staff", "is_superuser", "groups", "user_permissions")


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


@admin.register(Account)
class AccountAdmin(Endless, UserAdmin[Account]):
    """Customers and staff. Who isn't a superuser manages customers only, and hands out no rights."""

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
        ("Rights", {"fields": (("is_staff", "is_superuser"), "groups", "user_permissions"), "classes": ("collapse",)}),
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
        """Keep rights to superusers, and keep people from locking themselves out."""
        fields: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        if not request.user.is_superuser:
            fields += RANKS
        if obj and obj.pk == request.user.pk:
            fields += ("is_active", "is_staff", "is_superuser")
        return fields

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Staff is changed by superusers; or who may change customers could take over who may do more."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or request.user.is_superuser or not obj.is_staff or obj.pk == request.user.pk)

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
