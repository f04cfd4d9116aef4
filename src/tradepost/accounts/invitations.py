"""Invitations to sign up: a signed link for one e-mail address, which is taken once the link has been used."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core import signing
from django.urls import reverse

VALID_FOR = timedelta(days=14)
SALT = "tradepost.invitation"


def invite(email: str, url: str) -> str:
    """Return a link with which this address may sign up. `url` is the desk's base URL, without a slash at the end."""
    token = signing.dumps(email.lower(), salt=SALT)
    return f"{url}{reverse('account_signup')}?{urlencode({'email': email.lower(), 'invitation': token})}"


def invited_email(token: str) -> str | None:
    """Return the address in an invitation. If the token is invalid or too old, return None."""
    try:
        return str(signing.loads(token, salt=SALT, max_age=VALID_FOR))
    except signing.BadSignature:
        return None
