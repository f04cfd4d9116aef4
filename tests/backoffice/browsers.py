"""Browsers that have signed in, and what staff does on the page of an account."""

import time
from itertools import count
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.urls import reverse

if TYPE_CHECKING:
    from tradepost.accounts.models import Account

_numbers = count(1)


def sign_in(**fields: Any) -> Client:
    """Make an account with these fields, and return a browser that has signed in with it."""
    from tradepost.accounts.models import Account

    client = Client()
    account = Account.objects.create_user(f"person{next(_numbers)}@backoffice.example", **fields)
    client.force_login(account)
    signed_in(client, account, seconds_ago=0)
    return client


def signed_in(client: Client, account: "Account", *, seconds_ago: float, method: str = "password") -> None:
    """Write into the session that the account has shown who it is, as allauth's pages do."""
    session = client.session
    session["account_authentication_methods"] = [{"method": method, "at": time.time() - seconds_ago}]
    session["account_authentication_methods_user"] = str(account.pk)
    session.save()


def browser_of(person: "Account") -> Client:
    """Return a browser in which this member of staff has signed in a moment ago, and may view accounts."""
    from django.contrib.auth.models import Permission

    person.user_permissions.add(Permission.objects.get(codename="view_account"))
    client = Client()
    client.force_login(person)
    signed_in(client, person, seconds_ago=0)
    return client


def member(role: str) -> Client:
    """Return the browser of a new member of staff in this role."""
    from django.contrib.auth.models import Group

    client = sign_in(is_staff=True)
    me(client).groups.add(Group.objects.get(name=role))
    return client


def staff_with(*permissions: str) -> Client:
    """Return the browser of a new member of staff with these permissions, like `accounts.change_account`."""
    from django.contrib.auth.models import Permission

    client = sign_in(is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        me(client).user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return client


def me(client: Client) -> "Account":
    """Return the account that has signed in with this browser."""
    from tradepost.accounts.models import Account

    return Account.objects.get(pk=client.session["_auth_user_id"])


def press(client: Client, button: str, account: int, /, **fields: Any) -> Any:
    """Press a button on the page of an account, confirm its dialog, and return the response."""
    address = reverse(f"admin:accounts_account_{button}", args=[account])
    return client.post(address, {"_form_submitted": "on", **fields})


def told(client: Client, response: Any) -> str:
    """Follow the redirect of a dialog, and return the messages on the page."""
    page = client.get(response.headers["HX-Redirect"])
    return " ".join(str(message) for message in page.context["messages"])
