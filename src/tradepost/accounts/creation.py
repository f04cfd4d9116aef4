"""Creating accounts for staff and commands. Customers who sign up themselves are created by allauth."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from tradepost.accounts.models import Account


@transaction.atomic
def create(email: str, password: str, *, role: str | None = None) -> Account:
    """Create an account that can sign in. With a role, it is a member of staff.

    Raises `ValueError`, with a sentence for the user, if the address or the password is not accepted.
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
    """Mark the account's address as verified: the operator, who created the account, knows whose address it is."""
    if account.email:
        EmailAddress.objects.filter(user=account, primary=True).exclude(email=account.email).delete()
        EmailAddress.objects.update_or_create(
            user=account, email=account.email, defaults={"verified": True, "primary": True}
        )
