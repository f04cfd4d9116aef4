"""How often a password or a code may be wrong, before more are refused (decision 65).

A known device has a count of its own, so nobody else can use up its tries. All others are counted by network, by
account and network together, and by account alone. Only the second is a hard stop; the third is far wider, and stops
those who guess from many networks.
"""

from collections.abc import Callable
from typing import NamedTuple

from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import RateLimitUsage
from django.http import HttpRequest

from tradepost.accounts import known_devices
from tradepost.accounts.models import Account

TOO_MANY = "too_many_login_attempts"  # the name of django-allauth's sentence
_APP = "allauth.account"
_ACTION = "tries"


class Limits(NamedTuple):
    """Limits in django-allauth's notation. The third part, `key`, says that the key is given."""

    device: str
    network: str
    account_and_network: str
    account: str


PASSWORD = Limits("10/5m/key,30/h/key", "10/m/key,100/h/key", "5/5m/key,20/h/key", "100/h/key")
CODE = Limits("5/5m/key,20/h/key", "10/m/key,100/h/key", "5/5m/key,20/h/key", "30/h/key")
# A passkey can't be guessed. There is no limit by account, which only others would use up.
PASSKEY = Limits("30/5m/key", "30/m/key", "20/5m/key", "")


class Attempt(NamedTuple):
    """A try that is counted as a failure until `take_back` is called."""

    usages: list[RateLimitUsage]

    def take_back(self) -> None:
        """Do not count this try: it succeeded."""
        for usage in self.usages:
            usage.rollback()


def begin(request: HttpRequest, limits: Limits, subject: str, account: Account | None) -> Attempt | None:
    """Count a try at `subject`, an address or an account. Return None if there were too many.

    A try that is refused for its network does not count against the account: else one network could use up all tries.
    """
    usages: list[RateLimitUsage] = []
    for key, rates in _counts(request, limits, subject, known_devices.device_of(request, account)):
        usage = _consume(request, key, rates)
        if usage is None:
            return None
        usages.append(usage)
    return Attempt(usages)


def forget(request: HttpRequest, limits: Limits, subject: str) -> None:
    """Forget the tries at `subject`, from this network and by all others together: its owner has shown up."""
    for key, rates in _counts(request, limits, subject, None)[1:]:
        ratelimit.clear(request, app=_APP, action=_ACTION, key=key, config={_ACTION: rates})


def password_subject(email: str) -> str:
    return f"password {email.strip().lower()}"


def code_subject(account: Account) -> str:
    return f"code {account.pk}"


def _counts(request: HttpRequest, limits: Limits, subject: str, device: str | None) -> list[tuple[str, str]]:
    """Return the keys to count under, with their rates. The narrowest limits come first."""
    if device:
        return [(f"{subject} on {device}", limits.device)]
    network = ratelimit.get_ip(request)
    return [
        (f"network {network}", limits.network),
        (f"{subject} from {network}", limits.account_and_network),
        (subject, limits.account),
    ]


def _consume(request: HttpRequest, key: str, rates: str) -> RateLimitUsage | None:
    consume: Callable[..., RateLimitUsage | None] = ratelimit.consume
    return consume(request, app=_APP, action=_ACTION, key=key, config={_ACTION: rates})
