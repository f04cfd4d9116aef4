"""Encrypt secrets before they reach the database: providers' API keys, and what second factors are made of.

Somebody who has only a backup of the database can't read them. The keys are in a file of their own (decision 66): one
line a key, `number key`, of which the one with the highest number encrypts. What is encrypted begins with that number.
"""

import base64
import contextlib
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from tradepost.engine.exceptions import TradepostError

type _Keys = dict[int, bytes]

_NUMBERED = re.compile(rb"([0-9]{1,9})\.(gAAAA.*)", re.DOTALL)
_FIRST_FERNET_BYTES = b"gAAAA"
_LINE = re.compile(r"([0-9]{1,9}) ([A-Za-z0-9_=-]{44})")


class DecryptionError(TradepostError):
    """The secret was encrypted with a key that this installation does not have, so it must be entered again."""


class KeyFileError(TradepostError):
    """The file of keys is damaged; the message says how."""


def encrypt(text: str) -> bytes:
    """Encrypt with the newest key. If there is no file of keys yet, make it."""
    keys = _known() or _made()
    number = max(keys)
    return b"%d." % number + Fernet(keys[number]).encrypt(text.encode())


def decrypt(encrypted: bytes) -> str:
    """Raise `DecryptionError` if the secret was encrypted with a key that is not here."""
    matched = _NUMBERED.fullmatch(encrypted)
    if matched:
        key = _known().get(int(matched[1]))
        fernets, token = ([Fernet(key)] if key else []), matched[2]
    else:  # encrypted before there was a file of keys
        fernets, token = (
            [_of_secret_key(each) for each in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)],
            encrypted,
        )
    for fernet in fernets:
        with contextlib.suppress(InvalidToken):
            return fernet.decrypt(token).decode()
    raise DecryptionError("sealed with another secret key")


def number_of(encrypted: bytes) -> int | None:
    """Return the number of the key that encrypted this; 0 if it was the secret key, None if it is not encrypted."""
    matched = _NUMBERED.fullmatch(encrypted)
    if matched:
        return int(matched[1])
    return 0 if encrypted.startswith(_FIRST_FERNET_BYTES) else None


def newest_number() -> int:
    """Return the number of the key that encrypts; 0 if there is no file of keys yet."""
    return max(_known(), default=0)


def add_key() -> int:
    """Make a key that encrypts from now on, in all processes, and return its number. The older keys stay."""
    keys = _known()
    number = max(keys, default=0) + 1
    _write({**keys, number: Fernet.generate_key()})
    return number


def delete_old_keys() -> int:
    """Delete all keys but the newest, and return how many. What they have encrypted can't be read any more."""
    keys = _known()
    newest = max(keys)
    _write({newest: keys[newest]})
    return len(keys) - 1


def _known() -> _Keys:
    """Return the keys in the file. Another process may have changed it: so its state is looked at each time."""
    path = _path()
    try:
        state = path.stat()
    except FileNotFoundError:
        return {}
    return _read(path, state.st_mtime_ns, state.st_ino, state.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, *_state: int) -> _Keys:
    keys: _Keys = {}
    for row, line in enumerate(path.read_text().splitlines(), 1):
        matched = _LINE.fullmatch(line.strip())
        if line.strip() and (not matched or int(matched[1]) in keys or int(matched[1]) == 0):
            raise KeyFileError(f"Line {row} of {path} is not a number of its own and a key.")
        if matched:
            keys[int(matched[1])] = matched[2].encode()
    if not keys:
        raise KeyFileError(f"{path} has no key.")
    return keys


def _made() -> _Keys:
    """Make the file with one key, unless another process has just made it."""
    draft = _draft({1: Fernet.generate_key()})
    try:
        with contextlib.suppress(FileExistsError):
            _path().hardlink_to(draft)
    finally:
        draft.unlink()
    return _known()


def _write(keys: _Keys) -> None:
    _draft(keys).replace(_path())


def _draft(keys: _Keys) -> Path:
    """Write a file, which only its owner can read, next to the file of keys, and return its path."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{number} {key.decode()}\n" for number, key in sorted(keys.items())))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _path() -> Path:
    return Path(settings.TRADEPOST_SEALING_KEYS_FILE)


@lru_cache(maxsize=8)
def _of_secret_key(secret_key: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tradepost sealed secrets").derive(
        secret_key.encode()
    )
    return Fernet(base64.urlsafe_b64encode(derived))
