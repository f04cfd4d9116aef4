"""What follows from a sign-in: its entry in the log, the device becomes known, and a mail if the device is new."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest
from django.utils import translation

from tradepost.accounts import browsers, known_devices, sign_in_log
from tradepost.accounts.models import Account, SignInKind

_FIRST = "is_first_sign_in"  # an attribute of the request
_METHODS = {
    "password": "password",
    "password_reset": "password reset",
    Authenticator.Type.TOTP: "code",
    Authenticator.Type.RECOVERY_CODES: "recovery code",
    Authenticator.Type.WEBAUTHN: "passkey",
}
MAILED_LINK = "mailed link"


def note_first(request: HttpRequest, account: Account) -> None:
    """Note whether the account has never signed in before. Call this before the sign-in."""
    setattr(request, _FIRST, account.last_login is None)


def on_sign_in(request: HttpRequest, user: Account, **_: Any) -> None:
    """Record a sign-in, mail about a new device, and remember the device. A receiver of allauth's signals."""
    is_new = known_devices.device_of(request, user) is None
    detail = "new device" if is_new else ""
    sign_in_log.record(request, SignInKind.SIGNED_IN, account=user, method=_method(request, user), detail=detail)
    if is_new and not getattr(request, _FIRST, True):
        _mail_about(request, user)
    known_devices.remember(request, user)


def on_password_changed(request: HttpRequest, user: Account, **_: Any) -> None:
    """Record a changed password. Known devices ended with the old one; this device stays known."""
    sign_in_log.record(request, SignInKind.PASSWORD_CHANGED, account=user)
    known_devices.remember(request, user)


def on_password_reset(request: HttpRequest, user: Account, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.RESET_DONE, account=user)


def on_email_changed(request: HttpRequest, user: Account, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.ADDRESS_CHANGED, account=user)


def on_factor_added(request: HttpRequest, user: Account, authenticator: Authenticator, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.FACTOR_ADDED, account=user, method=_METHODS[authenticator.type])


def on_factor_removed(request: HttpRequest, user: Account, authenticator: Authenticator, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.FACTOR_REMOVED, account=user, method=_METHODS[authenticator.type])


def on_codes_renewed(request: HttpRequest, user: Account, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.CODES_RENEWED, account=user)


def on_code_refused(request: HttpRequest, user: Account, **_: Any) -> None:
    sign_in_log.record(request, SignInKind.FAILED, account=user, method="code")


def _method(request: HttpRequest, account: Account) -> str:
    """Return by what the account has signed in, such as `password, code`."""
    records = get_authentication_records(request, account)
    methods = [_METHODS.get(record.get("type") or record["method"], record["method"]) for record in records]
    return ", ".join(dict.fromkeys(methods)) or MAILED_LINK


def _mail_about(request: HttpRequest, account: Account) -> None:
    agent = request.headers.get("User-Agent", "")
    with translation.override(account.language or translation.get_language() or settings.LANGUAGE_CODE):
        get_adapter().send_notification_mail("accounts/email/new_device", account, {"device": browsers.readable(agent)})
