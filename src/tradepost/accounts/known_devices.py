"""Devices on which an account has signed in before, known by a signed cookie (decision 65).

The cookie names the device for each of the accounts that signed in on it, with a fingerprint of the password hash. So
it ends with the password, and is worth nothing for another account. It signs nobody in: it only lets its owner pass the
limits that others have used up, and tells a new device from a known one.
"""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, get_random_string

from tradepost.accounts.models import Account
from tradepost.http_types import GetResponse

KNOWN_FOR = timedelta(days=365)
ACCOUNTS_MAX = 5  # on one device
SALT = "tradepost.known_device"
_REMEMBERED = "account_of_known_device"  # an attribute of the request

type _Entry = tuple[int, str, str]  # account, device, fingerprint of the password


def device_of(request: HttpRequest, account: Account | None) -> str | None:
    """Return the name of the request's device if it is a known one of this account."""
    if account is None:
        return None
    fingerprint = _fingerprint(account)
    for pk, device, known in _entries(request):
        if pk == account.pk and constant_time_compare(known, fingerprint):
            return device
    return None


def remember(request: HttpRequest, account: Account) -> None:
    """Have the answer to this request make its device a known one of the account."""
    setattr(request, _REMEMBERED, account)


def known_device_middleware(get_response: GetResponse) -> GetResponse:
    """Set the cookie after a sign-in or a change of the password."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        account: Account | None = getattr(request, _REMEMBERED, None)
        if account:
            response.set_cookie(
                _cookie_name(),
                signing.dumps(_with(request, account), salt=SALT),
                max_age=KNOWN_FOR,
                secure=bool(settings.SESSION_COOKIE_SECURE),
                httponly=True,
                samesite="Lax",
            )
        return response

    return answer


def _with(request: HttpRequest, account: Account) -> list[_Entry]:
    """Return what the cookie is to say: this account first, then the others of this device."""
    entries = _entries(request)
    device = next((device for pk, device, _ in entries if pk == account.pk), get_random_string(16))
    others = [entry for entry in entries if entry[0] != account.pk]
    return [(account.pk, device, _fingerprint(account)), *others][:ACCOUNTS_MAX]


def _entries(request: HttpRequest) -> list[_Entry]:
    cookie = request.COOKIES.get(_cookie_name(), "")
    try:
        return [tuple(entry) for entry in signing.loads(cookie, salt=SALT, max_age=KNOWN_FOR)] if cookie else []
    except signing.BadSignature:
        return []


def _fingerprint(account: Account) -> str:
    return hashlib.sha256(account.password.encode()).hexdigest()[:16]


def _cookie_name() -> str:
    return f"{settings.TRADEPOST_COOKIE_PREFIX}known_device"
