"""The buttons of an account's page that decide who gets in."""

from typing import Any

from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from tradepost.accounts import access, impersonation
from tradepost.accounts.models import Account
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, ReasonForm, back_to
from tradepost.backoffice.ui.unfold_admin import CheckboxesWidget, dialog_button


class SessionsForm(ReasonForm):
    """Which sessions to end; all of them, unless some are chosen."""

    sessions = forms.MultipleChoiceField(label="Signed in from", widget=CheckboxesWidget)
    field_order = ("sessions", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = UserSession.objects.filter(user=kwargs["object_id"]).order_by("-last_seen_at")
        choices = [
            (str(each.pk), f"{each.ip}, since {each.created_at:%d %b %H:%M}: {each.user_agent}") for each in found
        ]
        field = self.fields["sessions"]
        field.choices, field.initial = choices, [pk for pk, _ in choices]  # type: ignore[attr-defined]


class LogInAsForm(ReasonForm):
    """Why, and as whom: django-hijack reads it from the form."""

    user_pk = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["user_pk"].initial = self._account = kwargs["object_id"]

    def clean_user_pk(self) -> str:
        """Take the account whose page it is, and no other."""
        typed: str = self.cleaned_data["user_pk"]
        if typed != str(self._account):
            raise forms.ValidationError("That is another account.")
        return typed


class AccessButtonsMixin(AccountDialogMixin):
    """Put before the accounts' admin."""

    def has_suspend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Nobody suspends themselves, or what is suspended."""
        return self._may_set_active(request, object_id, active=False)

    def has_activate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what is suspended."""
        return self._may_set_active(request, object_id, active=True)

    def has_confirm_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what is not confirmed."""
        account = self.mendable(request, object_id)
        return account is not None and not access.is_confirmed(account)

    def has_second_factor_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only where there is one; one's own is turned off where everybody's is."""
        account = self.mendable(request, object_id)
        return account is not None and account.pk != request.user.pk and access.has_second_factor(account)

    def has_hijack_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """As django-hijack is told."""
        account, person = self.account(request, object_id), request.user
        return (
            account is not None
            and isinstance(person, Account)
            and impersonation.may_impersonate(hijacker=person, hijacked=account)
        )

    @dialog_button(
        "Log in as",
        permission="hijack",
        title="Log in as this customer?",
        text="For an hour at most. Who, as whom and why is kept, and what you do is signed by both of you. "
        "Passwords, addresses, second factors and keys stay the customer's own.",
        form=LogInAsForm,
    )
    def log_in_as(self, request: HttpRequest, form: LogInAsForm, object_id: str) -> HttpResponse:
        """Change places."""
        response = impersonation.HijackView.as_view()(request)
        return HttpResponse(headers={"HX-Redirect": response.headers["Location"]})

    @dialog_button(
        "Suspend",
        permission="suspend",
        title="Suspend this account?",
        text="From now on it can't sign in, its sessions are over, and its keys are refused. Its orders go on.",
        form=ReasonForm,
        danger=True,
    )
    def suspend_one(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Let it in nowhere."""
        return self._set_one(request, form, object_id, active=False)

    @dialog_button(
        "Activate",
        permission="activate",
        title="Activate this account?",
        text="It can sign in again, and its keys are good again.",
        form=ReasonForm,
    )
    def activate_one(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Let it in again."""
        return self._set_one(request, form, object_id, active=True)

    @dialog_button(
        "End sessions",
        permission="mend",
        title="End sessions?",
        text="Whoever is signed in there has to sign in again. Keys are left as they are.",
        form=SessionsForm,
    )
    def end_sessions(self, request: HttpRequest, form: SessionsForm, object_id: str) -> HttpResponse:
        """Sign it out, there and there."""
        account = self._changed(request, object_id)
        ids = [int(pk) for pk in form.cleaned_data["sessions"]]
        ended = access.end_sessions(request, account, ids, reason=form.cleaned_data["reason"])
        return self._tell(request, account, f"{ended} ended.", "Sessions ended")

    @dialog_button(
        "Mail a password reset",
        permission="mend",
        title="Send the mail to set a new password?",
        text="It goes to the account's own address. Until its link is used, the old password is good.",
        form=ReasonForm,
    )
    def mail_reset(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Help whoever has lost a password."""
        account = self._changed(request, object_id)
        access.mail_reset(request, account, reason=form.cleaned_data["reason"])
        return self._tell(request, account, f"The mail goes to {account.email}.", "Password reset mailed")

    @dialog_button(
        "Confirm e-mail",
        permission="confirm",
        title="Is the address the customer's own?",
        text="Whoever signs in needs no mail to prove it any more.",
        form=ReasonForm,
    )
    def confirm_email(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Take the address for verified."""
        account = self._changed(request, object_id)
        access.confirm_email(request, account, reason=form.cleaned_data["reason"])
        return self._tell(request, account, f"{account.email} is confirmed.", "E-mail confirmed")

    @dialog_button(
        "Turn second factor off",
        permission="second_factor",
        title="Turn two-factor authentication off?",
        text="Only if you are sure who asks. Authenticator app, passkeys and recovery codes are forgotten, the "
        "password alone lets in, and the customer is told by mail.",
        form=ReasonForm,
        danger=True,
    )
    def second_factor_off(self, request: HttpRequest, form: ReasonForm, object_id: str) -> HttpResponse:
        """Help whoever has lost it."""
        account = self._changed(request, object_id)
        access.turn_second_factor_off(request, account, reason=form.cleaned_data["reason"])
        return self._tell(request, account, "Two-factor authentication is off.", "Second factor turned off")

    def _may_set_active(self, request: HttpRequest, object_id: str | None, *, active: bool) -> bool:
        account = self.mendable(request, object_id)
        return account is not None and account.pk != request.user.pk and account.is_active is not active

    def _set_one(self, request: HttpRequest, form: ReasonForm, object_id: str, *, active: bool) -> HttpResponse:
        account = self._changed(request, object_id)
        access.set_active(request, account, active=active, reason=form.cleaned_data["reason"])
        done = "activated" if active else "suspended"
        return self._tell(request, account, f"{account} is {done}.", done.capitalize())

    def _changed(self, request: HttpRequest, object_id: str) -> Account:
        account = self.account(request, object_id)
        assert account, "its permission has been asked for"
        return account

    def _tell(self, request: HttpRequest, account: Account, done: str, logged: str) -> HttpResponse:
        admin: Any = self
        admin.log_change(request, account, logged)
        admin.message_user(request, done, messages.SUCCESS)
        return back_to(account)
