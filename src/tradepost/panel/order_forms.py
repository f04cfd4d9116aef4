"""Forms that place orders: a token that makes resending harmless, and the order's parameters as the API reads them."""

import secrets

from django.http import QueryDict

from tradepost.engine.idempotency import fingerprint
from tradepost.engine.order_types import Parameters
from tradepost.panel.requests import NUL, search_text

FINGERPRINT_CHARS = 16
TOKEN_BYTES = 18
TOKEN_CHARS_MAX = 64


def form_token(form: QueryDict) -> str:
    """Return the token of a form that orders, or a new one for a form that has none yet."""
    return search_text(form, "name", chars_max=TOKEN_CHARS_MAX) or f"web-{secrets.token_urlsafe(TOKEN_BYTES)}"


def idempotency_key(token: str, parameters: Parameters) -> str:
    """Return the idempotency key of an order that a form asks for.

    The same form with the same parameters is the same order, however often it is sent; corrected parameters make
    another order.
    """
    return f"{token}-{fingerprint(parameters).hex()[:FINGERPRINT_CHARS]}"


def parameters_of(form: QueryDict, names: tuple[str, ...]) -> dict[str, str]:
    """Return an order's parameters as the API would have read them: stripped, empty ones left out."""
    found = {name: form.get(name, "").replace(NUL, "\ufffd").strip() for name in names}
    return {name: value for name, value in found.items() if value}
