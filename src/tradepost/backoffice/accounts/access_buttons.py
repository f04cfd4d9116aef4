"""The buttons of an account's page that control access to the account."""

from typing import Any

from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from tradepost import formats
from tradepost.accounts import access, browsers, delegation, impersonation
from tradepost.accounts.models import Account
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, ReasonForm, redirect_to_account
from tradepost.backoffice.ui.unfold_admin import CheckboxesWidget, EmailWidget, dialog_button


class SessionsForm(ReasonForm):
    """Which sessions to end. All are chosen at first."""

    sessions = forms.MultipleChoiceField(label="Signed in from", widget=CheckboxesWidget)
    field_order = ("sessions", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sessions = UserSession.objects.filter(user=kwargs["object_id"]).order_by("-last_seen_at")
        choices = [
            (
                str(session.pk),
                format_html(
                    '{}, since {}: <span title="{}">{}</span>',
                    session.ip,
                    formats.moment_html(session.created_at),
                    session.user_agent,
                    browsers.readable(session.user_agent),
                ),
            )
            for session in sessions
        ]
        field = self.fields["sessions"]
        field.choices, field.initial = choices, [pk for pk, _ in choices]  # type: ignore[attr-defined]


class LogInAsForm(ReasonForm):
    """The reason for impersonation, and the account, which django-hijack reads from the form."""

    user_pk = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_pk"].initial = self._account_id = kwargs["object_id"]

    def clean_user_pk(self) -> str:
        """Accept only the account whose page was posted."""
        user_pk: str = self.cleaned_data["user_pk"]
        if user_pk != str(self._account_id):
            raise forms.ValidationError("That is another account.")
        return user_pk


class AddressForm(ReasonForm):
    """The new address of an account."""

    email = forms.EmailField(label="New address", max_length=254, widget=EmailWidget)
    field_order = ("email", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._account_id = kwargs["object_id"]

    def clean_email(self) -> str:
        """Refuse an address that another account has, or is about to get."""
        email: str = self.cleaned_data["email"].lower()
        if access.is_taken(email, but_for=Account.objects.filter(pk=self._account_id).first()):
            raise forms.ValidationError("An account has this address, or is being changed to it.")
        return email


class AccessButtonsMixin(AccountDialogMixin):
    """Adds buttons to suspend an account, end its sessions, help its owner sign in, and impersonate its owner."""

    def has_suspend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow suspending an active account, but never one's own."""
        return self._may_set_active(request, object_id, active=False)

    def has_activate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow activating a suspended account."""
        return self._may_set_active(request, object_id, active=True)

    def has_confirm_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow confirming an address that is not confirmed."""
        account = self.changeable_account(request, object_id)
        return account is not None and not access.is_confirmed(account)

    def has_address_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it for accounts below this user's own. One's own address is changed in the panel."""
        account = self.changeable_account(request, object_id)
        may_change = request.user.has_perm("accounts.change_address")
        return account is not None and may_change and delegation.outranks(request.user, account)

    def has_second_factor_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow it where a second factor is on. Staff turn off their own in their settings."""
        account = self.changeable_account(request, object_id)
        return account is not None and account.pk != request.user.pk and access.has_second_factor(account)

    def has_hijack_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Apply the rules of `impersonation.may_impersonate`, as django-hijack does."""
        account, user = self.account(request, object_id), request.user
        return (
            account is not None
            and isinstance(user, Account)
            and impersonation.may_impersonate(hijacker=user, hijacked=account)
        )

    @dialog_button(
        "Log in as",
        permission="hijack",
        title="Log in as this customer?",
        text="For an hour at most. Who, as whom and why is kept, and what you do is signed by both of you. "
        "Passwords, addresses, second factors and keys stay the customer's own.",
        form=LogInAsForm,
        fresh=True,
    )
    def log_in_as(self, request: HttpRequest, form: LogInAsForm, object_id: str) -> HttpResponse:
        response = impersonation.HijackView.as_view()(request)
        return HttpResponse(headers={"HX-Redirect": response.headers["Location"]})

    @dialog_button(
        "Suspend",
        permission="suspend",
        title="Suspend this account?",
        text="From now on it can't sign in, its sessions are over, and its keys are refused. Its orders go on. "
        "It gets an e-mail, as it does of all that is done here.",
        form=ReasonForm,
        danger=True,
        fresh=True,
    )
    def suspend_one(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._set_one(request, form, object_id, active=False)

    @dialog_button(
        "Activate",
        permission="activate",
        title="Activate this account?",
        text="It can sign in again, and its API keys work again.",
        form=ReasonForm,
        fresh=True,
    )
    def activate_one(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        return self._set_one(request, form, object_id, active=True)

    @dialog_button(
        "End sessions",
        permission="edit",
        title="End sessions?",
        text="The customer has to sign in again on those devices. API keys keep working.",
        form=SessionsForm,
        fresh=True,
    )
    def end_sessions(self, request: HttpRequest, form: SessionsForm, object_id: str) -> HttpResponse:
        account = self._account_to_change(request, object_id)
        ids = [int(pk) for pk in form.cleaned_data["sessions"]]
        ended = access.end_sessions(request, account, ids, reason=form.cleaned_data["reason"])
        return self._report_done(request, account, f"{formats.whole(ended)} ended.", "Sessions ended")

    @dialog_button(
        "Mail a password reset",
        permission="edit",
        title="Send the mail to set a new password?",
        text="It goes to the account's own address. The old password works until the link is used.",
        form=ReasonForm,
        fresh=True,
    )
    def mail_reset(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        account = self._account_to_change(request, object_id)
        access.mail_reset(request, account, reason=form.cleaned_data["reason"])
        return self._report_done(request, account, f"The mail goes to {account.email}.", "Password reset mailed")

    @dialog_button(
        "Change address",
        permission="address",
        title="Change the address of this account?",
        text="Both addresses get a mail. The old one stays the one to sign in with until the link in the "
        "new one's mail is followed.",
        form=AddressForm,
        fresh=True,
    )
    def change_address(self, request: HttpRequest, form: AddressForm, object_id: str) -> HttpResponse:
        account, email = self._account_to_change(request, object_id), form.cleaned_data["email"]
        try:
            access.change_address(request, account, email, reason=form.cleaned_data["reason"])
        except access.AddressTakenError:
            messages.error(request, "Nothing was changed. Another account has got this address meanwhile.")
            return redirect_to_account(account)
        done = f"A link was mailed to {email}. Until it is followed, the address stays {account.email}."
        return self._report_done(request, account, done, "Change of the address begun")

    @dialog_button(
        "Confirm e-mail",
        permission="confirm",
        title="Is the address the customer's own?",
        text="The customer can sign in without confirming it by mail.",
        form=ReasonForm,
        fresh=True,
    )
    def confirm_email(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        account = self._account_to_change(request, object_id)
        access.confirm_email(request, account, reason=form.cleaned_data["reason"])
        return self._report_done(request, account, f"{account.email} is confirmed.", "E-mail confirmed")

    @dialog_button(
        "Turn second factor off",
        permission="second_factor",
        title="Turn two-factor authentication off?",
        text="Only if you are sure who asks. Authenticator app, passkeys and recovery codes are forgotten, the "
        "password alone lets in, and the customer gets an e-mail.",
        form=ReasonForm,
        danger=True,
        fresh=True,
    )
    def second_factor_off(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        account = self._account_to_change(request, object_id)
        access.turn_second_factor_off(request, account, reason=form.cleaned_data["reason"])
        return self._report_done(request, account, "Two-factor authentication is off.", "Second factor turned off")

    def _may_set_active(self, request: HttpRequest, object_id: str | None, *, active: bool) -> bool:
        account = self.changeable_account(request, object_id)
        return account is not None and account.pk != request.user.pk and account.is_active is not active

    def _set_one(self, request: HttpRequest, form: ReasonForm, object_id: str, *, active: bool) -> HttpResponse:
        account = self._account_to_change(request, object_id)
        access.set_active(request, account, active=active, reason=form.cleaned_data["reason"])
        done = "activated" if active else "suspended"
        return self._report_done(request, account, f"{account} is {done}.", done.capitalize())

    def _account_to_change(self, request: HttpRequest, object_id: str) -> Account:
        account = self.account(request, object_id)
        assert account, "the permission was checked"
        return account

    def _report_done(self, request: HttpRequest, account: Account, message: str, log_message: str) -> HttpResponse:
        admin: Any = self
        admin.log_change(request, account, log_message)
        admin.message_user(request, message, messages.SUCCESS)
        return redirect_to_account(account)
