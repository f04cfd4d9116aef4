"""Making accounts."""

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
    return account
