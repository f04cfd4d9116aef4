"""People who sign in: where they are, and what they type."""

from itertools import count
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from tradepost.accounts import creation
from tradepost.accounts.models import Account, SignInEvent

HOST = "127.0.0.1"
PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"
_numbers = count(1)


def person(**fields: Any) -> Account:
    """Make an account that can sign in."""
    account = creation.create(f"person{next(_numbers)}@security.example", PASSWORD)
    Account.objects.filter(pk=account.pk).update(**fields)
    account.refresh_from_db()
    return account


def browser(address: str = "192.0.2.1") -> Client:
    """Return a browser that nobody has used, at this address."""
    return Client(SERVER_NAME=HOST, REMOTE_ADDR=address, headers={"user-agent": FIREFOX})


def sign_in(client: Client, account: Account | str, password: str = PASSWORD) -> str:
    """Sign in; return the address of the redirect, or an empty string if the page comes again."""
    response = client.post(reverse("account_login"), {"login": str(account), "password": password})
    return str(response.headers.get("Location", ""))


def is_in(client: Client) -> bool:
    return client.get(reverse("panel:dashboard")).status_code == 200


def add_second_factor(account: Account) -> str:
    """Give an account an authenticator app and recovery codes; return the app's secret."""
    secret = str(totp.generate_totp_secret())
    totp.TOTP.activate(account, secret)
    RecoveryCodes.activate(account)
    return secret


def enter_code(client: Client, code: str) -> bool:
    """Enter a code after the password; return whether it was right."""
    return client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302


def logged(**conditions: Any) -> list[SignInEvent]:
    """Return the events of the log, the oldest first."""
    return list(SignInEvent.objects.filter(**conditions).order_by("id"))
