"""Invitations to sign up: a link that names an address and can't be made up. Once used, the address is taken."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core import signing
from django.urls import reverse

GOOD_FOR = timedelta(days=14)
SALT = "tradepost.invitation"


def invite(email: str, url: str) -> str:
    """Return the link by which this address may sign up at the desk reached at `url`."""
    token = signing.dumps(email.lower(), salt=SALT)
    return f"{url}{reverse('account_signup')}?{urlencode({'email': email.lower(), 'invitation': token})}"


def invited_email(token: str) -> str | None:
    """Return the address that an invitation names; None if it is none, or too old."""
    try:
        return str(signing.loads(token, salt=SALT, max_age=GOOD_FOR))
    except signing.BadSignature:
        return None
