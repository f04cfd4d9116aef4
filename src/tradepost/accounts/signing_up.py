"""Making accounts by hand, the operator's or a command's; people who sign up by themselves come through allauth."""

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from tradepost.accounts.models import Account


def create(email: str, password: str, *, staff: bool = False) -> Account:
    """Make an account that can sign in. Raises `ValueError` with a sentence if address or password won't do."""
    account = Account(email=email, is_staff=staff, is_superuser=staff)
    account.set_password(password)
    try:
        validate_password(password, account)
        account.full_clean()
    except ValidationError as error:
        raise ValueError(" ".join(error.messages)) from None
    account.save()
    vouch(account)
    return account


def vouch(account: Account) -> None:
    """Take an account's address for verified: whoever runs the desk has made the account and knows whose it is."""
    if account.email:
        EmailAddress.objects.filter(user=account, primary=True).exclude(email=account.email).delete()
        EmailAddress.objects.update_or_create(
            user=account, email=account.email, defaults={"verified": True, "primary": True}
        )
