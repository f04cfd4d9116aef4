"""How a member of staff has signed in: whether by a second factor, and how long ago.

django-allauth keeps in the session by which steps, and when, the account of the session has shown who it is.
"""

import time
from collections.abc import Collection
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest

from tradepost.accounts.models import Account

FRESH_MINUTES = 15
PAGES = {  # by kind of second factor, the page that asks for one
    Authenticator.Type.TOTP.value: "mfa_reauthenticate",
    Authenticator.Type.WEBAUTHN.value: "mfa_reauthenticate_webauthn",
}
SECOND_FACTOR_FOR = "second_factor_for"  # in the session: the page that waits for a second factor


def is_fresh(request: HttpRequest) -> bool:
    """Return whether the account of the session has shown who it is within the last `FRESH_MINUTES`."""
    assert isinstance(request.user, Account)
    times = [record.get("at", 0) for record in get_authentication_records(request, request.user)]
    return bool(times) and time.time() - max(times) < FRESH_MINUTES * 60


def needs_second_factor(account: Account) -> bool:
    """Return whether this account opens the back office with a second factor only."""
    return settings.TRADEPOST_STAFF_SECOND_FACTOR and (account.is_staff or account.is_superuser)


def second_factors(account: Account) -> set[str]:
    """Return which kinds of second factors the account has. Recovery codes alone are none."""
    return set(Authenticator.objects.filter(user=account, type__in=PAGES).values_list("type", flat=True))


def page_that_asks(factors: Collection[str]) -> str:
    """Return the name of the page that asks for a second factor which the account has."""
    return next(page for factor, page in PAGES.items() if factor in factors)


def has_used_second_factor(request: HttpRequest) -> bool:
    """Return whether this session has been shown a second factor since it began, or set one up."""
    assert isinstance(request.user, Account)
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def note_set_up(request: HttpRequest, user: Account, authenticator: Authenticator, **_: Any) -> None:
    """Count setting up a second factor as showing it: the page asks for a code. A receiver of allauth's signal."""
    if authenticator.type in PAGES:
        record_authentication(request, user, "mfa", type=authenticator.type)
