"""Encrypt providers' API keys before they reach the database (docs/architecture.md, keys and people).

Somebody who has only a backup of the database can't read them.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tradepost.engine.exceptions import TradepostError


class DecryptionError(TradepostError):
    """The secret was encrypted with another secret key, so staff must enter it again."""


@lru_cache(maxsize=1)
def _fernet(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tradepost sealed secrets").derive(
        secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))


def encrypt(text: str) -> bytes:
    return _fernet(settings.SECRET_KEY).encrypt(text.encode())


def decrypt(encrypted: bytes) -> str:
    """Raise `DecryptionError` if the secret was encrypted with another secret key."""
    try:
        return _fernet(settings.SECRET_KEY).decrypt(encrypted).decode()
    except InvalidToken:
        raise DecryptionError("sealed with another secret key") from None
