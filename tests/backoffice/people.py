"""Staff with chosen permissions, and requests to the pages of accounts."""

from typing import Any

from django.test import Client
from django.urls import reverse

from tests.backoffice.conftest import sign_in
from tradepost.accounts.models import Account


def staff_with(*permissions: str) -> Client:
    """Return the browser of a member of staff with these permissions, like `accounts.change_account`."""
    from django.contrib.auth.models import Permission

    client = sign_in(is_staff=True)
    for name in permissions:
        app, codename = name.split(".")
        me(client).user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return client


def me(client: Client) -> Account:
    """Return the account that the browser has signed in with."""
    return Account.objects.get(pk=client.session["_auth_user_id"])


def press(client: Client, button: str, account: int, /, **fields: Any) -> Any:
    """Press a button on an account's page and confirm its dialog."""
    address = reverse(f"admin:accounts_account_{button}", args=[account])
    return client.post(address, {"_form_submitted": "on", **fields})


def told(client: Client, response: Any) -> str:
    """Return the messages of the page to which a dialog redirects."""
    page = client.get(response.headers["HX-Redirect"])
    return " ".join(str(message) for message in page.context["messages"])
