"""API keys: how they look, and what is kept of them (docs/architecture.md, keys and people)."""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tradepost.engine.enums import TextEnum

PREFIX = "tp_"
RANDOM_BYTES = 32
SHOWN_CHARS = 12  # of a key: its prefix, which is kept to tell keys apart
REQUESTS_A_MINUTE_MAX = 1_000_000


class Scope(TextEnum):
    """What a key may do: look only, or order as well."""

    READ = "read"
    ORDER = "order"


class NewKey(NamedTuple):
    """A key just made. `text` is shown once and kept nowhere."""

    text: str
    digest: bytes
    prefix: str


def generate(*, test: bool = False) -> NewKey:
    """Make a key of 256 random bits, live or for tests."""
    text = PREFIX + ("test_" if test else "live_") + secrets.token_urlsafe(RANDOM_BYTES)
    return NewKey(text, digest(text), text[:SHOWN_CHARS])


def digest(text: str) -> bytes:
    """Return what is stored of a key, 32 bytes. The key is random, so a plain hash can't be guessed back."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


@lru_cache(maxsize=10_000)
def _contains(networks: tuple[str, ...], address: str) -> bool:
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(host in ipaddress.ip_network(network, strict=False) for network in networks)


def is_permitted(to: Scope, address: str | None, *, scope: str | None, networks: Sequence[str]) -> bool:
    """Return whether a key may do this from this address. `scope` and `networks` (none: any) are the key's own."""
    if to is Scope.ORDER and scope != Scope.ORDER:
        return False
    return not networks or (address is not None and _contains(tuple(networks), address))


def tidy_network(network: str) -> str:
    """Return a network as it is stored, like `10.0.0.0/8`. Raises `ValueError` if it is none."""
    return str(ipaddress.ip_network(network.strip(), strict=False))
