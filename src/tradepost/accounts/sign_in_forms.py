"""Forms of django-allauth in which somebody proves who they are, with our limits and the log of sign-ins."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, SignupForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from allauth.usersessions.forms import ManageUserSessionsForm
from allauth.usersessions.internal.flows.sessions import end_sessions
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from tradepost.accounts import attempts, sign_in_log
from tradepost.accounts.attempts import Limits
from tradepost.accounts.models import Account, SignInKind


class SignUpForm(SignupForm):  # type: ignore[misc] # published without types
    """The form to sign up. It takes as long for an address that has an account as for one that has none."""

    def try_save(self, request: HttpRequest) -> Any:
        """Hash the password in vain if there is an account: hashing is nearly all that a sign-up costs."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])
        return super().try_save(request)


class NewPasswordForm(ChangePasswordForm):  # type: ignore[misc] # published without types
    """The form to change the password. A wrong old one is recorded: who guesses it has another's session."""

    def clean_oldpassword(self) -> str:
        try:
            old: str = super().clean_oldpassword()
        except ValidationError:
            sign_in_log.record(context.request, SignInKind.FAILED, account=self.user, method="old password")
            raise
        return old


class EndSessionsForm(ManageUserSessionsForm):  # type: ignore[misc] # published without types
    """Ends one session of the user's own, or all but the current one."""

    session = forms.IntegerField(required=False)

    def save(self, request: HttpRequest) -> None:
        """End the session that is named. If none is, end all others."""
        assert isinstance(request.user, Account)
        mine = UserSession.objects.filter(user=request.user)
        named = self.cleaned_data["session"]
        others = mine.exclude(session_key=request.session.session_key)
        chosen = others if named is None else mine.filter(pk=named)
        if ended := list(chosen):
            detail = f"{len(ended)} of them"
            sign_in_log.record(request, SignInKind.SESSIONS_ENDED, account=request.user, detail=detail)
            end_sessions(request, ended)


class _CodeMixin:
    """Counts the tries at a code. Django-allauth records wrong codes by a signal, which `sign_ins` receives."""

    user: Account

    def clean_code(self) -> str:
        with _counted(self.user, attempts.CODE, "code"):
            code: str = super().clean_code()  # type: ignore[misc] # the form has it
            return code


class _PasskeyMixin:
    """Counts and records the tries with a passkey."""

    user: Account | None

    def clean_credential(self) -> Authenticator:
        try:
            with _counted(self.user, attempts.PASSKEY, "passkey"):
                return self._credential()
        except ValidationError as error:
            if error.code != attempts.TOO_MANY:
                sign_in_log.record(context.request, SignInKind.FAILED, account=self.user, method="passkey")
            raise

    def _credential(self) -> Authenticator:
        """Check the credential. What is not even formed like one is refused, too: the library would break over it."""
        try:
            return super().clean_credential()  # type: ignore[misc] # the form has it
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_code") from error


@contextmanager
def _counted(account: Account | None, limits: Limits, method: str) -> Iterator[None]:
    """Count what happens in this block as a failure if it raises. Raise `ValidationError` if there were too many.

    Without an account, someone signs in by a passkey alone, and only the network is counted.
    """
    request = context.request
    subject = f"{method} {account.pk if account else 'of anybody'}"
    attempt = attempts.begin(request, limits, subject, account)
    if attempt is None:
        sign_in_log.record(request, SignInKind.THROTTLED, account=account, method=method)
        raise get_adapter().validation_error(attempts.TOO_MANY)
    yield
    attempt.take_back()


class CodeForm(_CodeMixin, AuthenticateForm):  # type: ignore[misc] # published without types
    """A code of an authenticator app or a recovery code, after the password."""


class CodeAgainForm(_CodeMixin, ReauthenticateForm):  # type: ignore[misc] # published without types
    """A code, before a change that asks for a fresh sign-in."""


class PasskeyForm(_PasskeyMixin, AuthenticateWebAuthnForm):  # type: ignore[misc] # published without types
    """A passkey, after the password."""


class PasskeyAgainForm(_PasskeyMixin, ReauthenticateWebAuthnForm):  # type: ignore[misc] # published without types
    """A passkey, before a change that asks for a fresh sign-in."""


class PasskeyOnlyForm(_PasskeyMixin, LoginWebAuthnForm):  # type: ignore[misc] # published without types
    """A passkey in place of the password."""
