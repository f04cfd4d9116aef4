"""API keys: their format, and what is stored of them (docs/architecture.md, keys and people)."""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tradepost.engine.enums import TextEnum
from tradepost.engine.networks import read as read_network

PREFIX = "tp_"
RANDOM_BYTES = 32
SHOWN_CHARS = 12  # the start of a key, which is stored so that users can recognize the key
REQUESTS_A_MINUTE_MAX = 1_000_000


class Scope(TextEnum):
    """What a key may do. ORDER includes READ."""

    READ = "read"
    ORDER = "order"


class NewKey(NamedTuple):
    """A new key. `text` is shown to the user once and never stored."""

    text: str
    digest: bytes
    prefix: str


def generate(*, test: bool = False) -> NewKey:
    """Generate a live or test key of 256 random bits."""
    text = PREFIX + ("test_" if test else "live_") + secrets.token_urlsafe(RANDOM_BYTES)
    return NewKey(text, digest(text), text[:SHOWN_CHARS])


def digest(text: str) -> bytes:
    """Return the hash of a key that is stored, 32 bytes. A plain hash is enough, because the key is random."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


@lru_cache(maxsize=10_000)
def _contains(networks: tuple[str, ...], address: str) -> bool:
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(host in read_network(network, strict=False) for network in networks)


def is_permitted(to: Scope, address: str | None, *, scope: str | None, networks: Sequence[str]) -> bool:
    """Return whether a key with this `scope` and these `networks` (empty: any) may do `to` from this address."""
    if to is Scope.ORDER and scope != Scope.ORDER:
        return False
    return not networks or (address is not None and _contains(tuple(networks), address))


def tidy_network(network: str) -> str:
    """Return a network in its stored form, like `10.0.0.0/8`. Raises `ValueError` if it is not valid."""
    return str(read_network(network.strip(), strict=False))
