"""What views read from a request: the signed-in account and short texts to search for."""

from django.http import HttpRequest, QueryDict

from tradepost.accounts.models import Account

NUL = "\x00"  # PostgreSQL cannot store it in a text


def customer(request: HttpRequest) -> Account:
    """Return the signed-in account. Only views that require a sign-in may call this."""
    assert isinstance(request.user, Account)
    return request.user


def search_text(parameters: QueryDict, name: str, *, chars_max: int = 200) -> str:
    """Return a parameter as a text to search for: stripped, cut to `chars_max`, without NUL characters."""
    return parameters.get(name, "").replace(NUL, "").strip()[:chars_max]
