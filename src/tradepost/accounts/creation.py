"""Making accounts by hand, the operator's or a command's; people who sign up by themselves come through allauth."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from tradepost.accounts.models import Account


@transaction.atomic
def create(email: str, password: str, *, role: str | None = None) -> Account:
    """Make an account that can sign in; with a role, a member of staff.

    Raises `ValueError` with a sentence if address or password won't do.
    """
    account = Account(email=email, is_staff=role is not None)
    account.set_password(password)
    try:
        validate_password(password, account)
        account.full_clean()
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from None
    account.save()
    if role:
        account.groups.add(Group.objects.get(name=role))
    mark_email_verified(account)
    return account


def mark_email_verified(account: Account) -> None:
    """Take an account's address for verified: whoever runs the desk has made the account and knows whose it is."""
    if account.email:
        EmailAddress.objects.filter(user=account, primary=True).exclude(email=account.email).delete()
        EmailAddress.objects.update_or_create(
            user=account, email=account.email, defaults={"verified": True, "primary": True}
        )
