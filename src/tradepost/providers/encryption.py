"""Secrets of others, sealed before they reach the database: whoever has only a backup can't read them (docs/architecture.md, keys and people)."""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tradepost.engine.exceptions import TradepostError


class DecryptionError(TradepostError):
    """This secret was sealed by another installation, or its secret key has changed: it has to be entered again."""


@lru_cache(maxsize=1)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tradepost sealed secrets").derive(
        secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


def encrypt(text: str) -> bytes:
    """Encrypt a secret with this installation's key."""
    return _fernet(settings.SECRET_KEY).encrypt(text.encode())


def decrypt(sealed: bytes) -> str:
    """Decrypt a secret. Raises `Unreadable` if this installation did not seal it."""
    try:
        return _fernet(settings.SECRET_KEY).decrypt(sealed).decode()
    except InvalidToken:
        raise DecryptionError("sealed with another secret key") from None
