"""Forms that place orders: a token that makes it harmless to send a form twice, and the order's parameters."""

import secrets

from django.http import QueryDict

from tradepost.engine.idempotency import fingerprint
from tradepost.engine.order_types import LISTS, Parameters, join_values
from tradepost.panel.requests import NUL, search_text

FINGERPRINT_CHARS = 16
TOKEN_BYTES = 18
TOKEN_CHARS_MAX = 64


def form_token(form: QueryDict) -> str:
    """Return the token of a form that places orders, or a new token if the form has none yet."""
    return search_text(form, "name", chars_max=TOKEN_CHARS_MAX) or new_token()


def new_token() -> str:
    """Return the token of a form that has placed nothing yet."""
    return f"web-{secrets.token_urlsafe(TOKEN_BYTES)}"


def idempotency_key(token: str, parameters: Parameters) -> str:
    """Return the idempotency key of a form's order.

    The same form with the same parameters places one order, however often it is sent. Corrected parameters place
    another order.
    """
    return f"{token}-{fingerprint(parameters).hex()[:FINGERPRINT_CHARS]}"


def parameters_of(form: QueryDict, names: tuple[str, ...]) -> dict[str, str]:
    """Return an order's parameters as the API would read them: stripped, without empty ones, and lists joined."""
    found = {}
    for name in names:
        values = [value for sent in form.getlist(name) if (value := sent.replace(NUL, "\ufffd").strip())]
        if values:
            found[name] = join_values(name, values) if name in LISTS else values[-1]
    return found
