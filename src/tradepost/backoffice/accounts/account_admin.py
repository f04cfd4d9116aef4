"""Accounts in the back office. An account is never deleted, only suspended."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tradepost import formats
from tradepost.accounts import access, creation, delegation
from tradepost.accounts.models import Account
from tradepost.backoffice.accounts import overview
from tradepost.backoffice.accounts.access_buttons import AccessButtonsMixin
from tradepost.backoffice.accounts.changelist import AccountListMixin, InactiveFilter, MoneyFilter
from tradepost.backoffice.accounts.dialogs import BulkReasonForm
from tradepost.backoffice.accounts.keys import KeyInline
from tradepost.backoffice.accounts.money_buttons import MoneyButtonsMixin
from tradepost.backoffice.accounts.notes import NoteButtonsMixin
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.fresh_sign_in import fresh_form, require
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import SwitchWidget, UserAdmin

OWN_RIGHTS = ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")  # nobody changes their own


class AccountCreationForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    """A new account. Staff sets no password: its owner does, by a link that is mailed."""

    mail_link = forms.BooleanField(
        label="Mail a link to set a password",
        required=False,
        initial=True,
        widget=SwitchWidget,
        help_text="Until a password is set, nobody can sign in. API keys work.",
    )

    class Meta:
        model = Account
        fields = ("email", "name")

    def clean_email(self) -> str:
        """Refuse an address to which another account is being changed."""
        email: str = self.cleaned_data["email"].lower()
        if access.is_taken(email):
            raise forms.ValidationError("An account has this address, or is being changed to it.")
        return email


class AccountChangeForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    class Meta:
        model = Account
        fields = ("name", "is_staff", "is_superuser", "groups", "user_permissions")


@register(Account)
class AccountAdmin(
    AccountListMixin, AccessButtonsMixin, MoneyButtonsMixin, NoteButtonsMixin, UncountedListMixin, UserAdmin[Account]
):
    """Customers and staff. Owners hand out roles. Nobody can change an account that has more rights than they."""

    form = AccountChangeForm
    add_form = AccountCreationForm
    list_filter = (MoneyFilter, InactiveFilter, "is_active", "is_staff", ("created_at", DayFilter))
    list_filter_submit = True
    list_select_related = ("ledger_account",)
    ordering = ("-id",)
    search_fields = ("email", "name", "=id")
    inlines = (KeyInline,)
    made = formatters.timestamp_column("created_at", "created", exact=True)
    signed_in = formatters.timestamp_column("last_login", "last signed in", exact=True)
    actions = ("suspend", "activate")
    actions_detail = (
        "log_in_as",
        "pay",
        "limit_credit",
        "write_note",
        {
            "title": "More",
            "items": [
                "pin_note", "suspend_one", "activate_one", "end_sessions", "mail_reset", "change_address",
                "confirm_email", "second_factor_off",
            ],
        },
    )  # fmt: skip
    change_form_outer_before_template = "backoffice/accounts/overview.html"
    readonly_fields = ("address", "made", "signed_in")
    fieldsets = (
        (None, {"fields": (("address", "name"),)}),
        ("Staff", {"fields": (("is_staff", "is_superuser"), "groups", "user_permissions"), "classes": ("collapse",)}),
        ("Dates", {"fields": (("made", "signed_in"),)}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "mail_link")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """Leave out test accounts: a test account is suspended with its owner's account."""
        return super().get_queryset(request).filter(test_of=None)

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> Any:
        """Show keys on the change page only."""
        return self.inlines if obj else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> tuple[str, ...]:
        """Let only users who hand out rights edit them, and nobody their own."""
        fields: tuple[str, ...] = tuple(super().get_readonly_fields(request, obj))
        if not delegation.may_hand_out(request.user):
            fields += ("is_staff", "groups")
        if not request.user.is_superuser:
            fields += ("is_superuser", "user_permissions")
        return fields + OWN_RIGHTS if obj and obj.pk == request.user.pk else fields

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only the roles and permissions that this user may hand out."""
        if db_field.name == "groups":
            kwargs["queryset"] = delegation.groups_to_give(request.user)
        if db_field.name == "user_permissions":
            kwargs["queryset"] = delegation.permissions_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Refuse accounts with more rights than this user: changing one would be a way to take it over."""
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and (obj is None or delegation.may_change(request.user, obj))

    def get_form(self, request: HttpRequest, obj: Account | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Take new rights after a fresh sign-in only."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return fresh_form(form, request, fields=frozenset(OWN_RIGHTS)) if obj else form

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Save the account. The address of a new account counts as verified; it has nothing yet that could be lost."""
        if change:
            super().save_model(request, obj, form, change)
            return
        obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        creation.mark_email_verified(obj)
        if form.cleaned_data["mail_link"]:
            access.mail_reset(request, obj, reason="A new account")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Refuse: nobody sets a password here, neither a customer's nor their own. `mail_reset` mails a link."""
        raise PermissionDenied

    @admin.display(description="e-mail")
    def address(self, account: Account) -> str:
        """Show the address to sign in with, and the one that it is being changed to."""
        pending = access.pending_address(account)
        waits = f" (to become {pending}, once the link that was mailed there is followed)" if pending else ""
        return f"{account.email}{waits}"

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Return False: orders and transfers need their account. Staff suspend it instead."""
        return False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Add the account's overview above the form."""
        account = self.account(request, object_id)
        if account and self.has_view_permission(request, account):
            extra_context = {**overview.account_overview(request, account), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.action(description="Suspend…", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        return self._set_active(request, queryset, active=False)

    @admin.action(description="Activate…", permissions=["change"])
    def activate(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        return self._set_active(request, queryset, active=True)

    def _set_active(self, request: HttpRequest, queryset: QuerySet[Account], *, active: bool) -> HttpResponse | None:
        """Ask for a reason first. Skip this user's own account and accounts that this user may not change."""
        require(request)
        form = BulkReasonForm(request.POST if "asked" in request.POST else None)
        if not form.is_valid():
            return self._ask_why(request, queryset, form, active=active)
        accounts = queryset.filter(is_active=not active)
        changing = [
            account
            for account in accounts
            if account.pk != request.user.pk and self.has_change_permission(request, account)
        ]
        done = "activated" if active else "suspended"
        for account in changing:
            access.set_active(request, account, active=active, reason=form.cleaned_data["reason"])
            self.log_change(request, account, done.capitalize())
        self.message_user(request, f"{formats.whole(len(changing))} {done}.", messages.SUCCESS)
        return None

    def _ask_why(
        self, request: HttpRequest, queryset: QuerySet[Account], form: BulkReasonForm, *, active: bool
    ) -> HttpResponse:
        activate_text = "They can sign in again, and their keys are good again."
        suspend_text = "From now on they can't sign in, their sessions are over, and their keys are refused."
        context = {
            **self.admin_site.each_context(request),
            "title": "Activate" if active else "Suspend",
            "text": activate_text if active else suspend_text,
            "action": "activate" if active else "suspend",
            "opts": self.opts,
            "form": form,
            "count": queryset.count(),
            "ticked": request.POST.getlist(helpers.ACTION_CHECKBOX_NAME),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "backoffice/accounts/why_ticked.html", context)
