"""Encrypt all secrets in the database again: with the newest key, while the desk runs (decision 66).

Rows are locked in small batches, and each batch is one transaction: an interrupted rotation goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import OperationalError, connection, transaction

from tradepost import encryption
from tradepost.accounts.mfa_adapter import MFAAdapter
from tradepost.up.errors import StartError

BATCH_ROWS = 100
WRITERS_SECONDS_MAX = 30
_LOCK = 7_406_132  # any number that all nodes share, so that there is one rotation at a time
_FIELDS = ("secret", "seed", "migrated_codes")  # of an authenticator's data, see allauth's totp and recovery_codes


class _Column(NamedTuple):
    """A column with secrets. `of` returns those of a value, `changed` a value with other ones in their order.

    `decrypt` raises `DecryptionError`.
    """

    name: str
    table: str
    select: str
    update: str
    decrypt: Callable[[bytes], str]
    of: Callable[[Any], list[bytes]]
    changed: Callable[[Any, list[bytes]], Any]


def _data_secrets(data: str) -> list[bytes]:
    values = json.loads(data)
    return [each.encode() for field in _FIELDS if field in values for each in _as_list(values[field])]


def _data_changed(data: str, secrets: list[bytes]) -> str:
    values = json.loads(data)
    rest = iter(secrets)
    for field in _FIELDS:
        if field in values:
            written = [next(rest).decode() for _ in _as_list(values[field])]
            values[field] = written if isinstance(values[field], list) else written[0]
    return json.dumps(values)


def _as_list(value: str | list[str] | None) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


_COLUMNS = (
    _Column(
        "provider",
        "providers_provider",
        "SELECT id, encrypted_key FROM providers_provider WHERE id > %s ORDER BY id LIMIT %s",
        "UPDATE providers_provider SET encrypted_key = %s WHERE id = %s",
        encryption.decrypt,
        lambda value: [bytes(value)] if value else [],
        lambda _value, secrets: secrets[0],
    ),
    _Column(
        "second factor",
        "mfa_authenticator",
        "SELECT id, data::text FROM mfa_authenticator WHERE id > %s AND type <> 'webauthn' ORDER BY id LIMIT %s",
        "UPDATE mfa_authenticator SET data = %s::jsonb WHERE id = %s",
        lambda secret: MFAAdapter().decrypt(secret.decode()),
        _data_secrets,
        _data_changed,
    ),
)


def encrypt_what_has_no_number() -> None:
    """Bring an installation over that is from before there was a file of keys. Do nothing to all others.

    Raises `StartError` if the file is missing though its keys were used: a new file would only hide that.
    """
    used = {encryption.number_of(secret) for _, _, secret in _secrets()}
    if any(used) and not encryption.newest_number():
        raise StartError(
            "The file of sealing keys is missing, and secrets in the database were sealed with its keys. Put the file"
            " back, from a backup or another node: see TRADEPOST_SEALING_KEYS_FILE."
        )
    if not all(used):
        _encrypt_again(lambda number: not number)


def rotate() -> int:
    """Encrypt everything with a new key, and return its number. First finish a rotation that was interrupted."""
    with _alone():
        newest = encryption.newest_number()
        if not newest or not _is_unfinished(newest):
            newest = encryption.add_key()
        _encrypt_again(lambda number: number != newest)
        return newest


def delete_old_keys() -> int:
    """Delete all keys but the newest, and return how many. Raises `StartError` if one of them is still needed."""
    with _alone(), _nobody_writing():
        newest = encryption.newest_number()
        if _is_unfinished(newest):
            raise StartError("Old keys are still in use. Run `tradepost keys rotate-secret` first.")
        return encryption.delete_old_keys() if newest else 0


def unreadable() -> list[str]:
    """Decrypt everything, and return what can't be."""
    return [f"{column.name} {row}" for column, row, secret in _secrets() if not _can_be_read(column, secret)]


def _is_unfinished(newest: int) -> bool:
    """Return whether a secret that can be read was encrypted with another key, or with none."""
    return any(
        encryption.number_of(secret) != newest and _can_be_read(column, secret) for column, _, secret in _secrets()
    )


def _can_be_read(column: _Column, secret: bytes) -> bool:
    try:
        column.decrypt(secret)
    except encryption.DecryptionError:
        return False
    return True


def _encrypt_again(is_due: Callable[[int | None], bool]) -> None:
    """Encrypt those secrets whose key's number is due. Leave what can't be read: only people can enter it again."""
    for column in _COLUMNS:
        last: int | None = 0
        while last is not None:
            last = _encrypt_batch(column, last, is_due)


def _encrypt_batch(column: _Column, last: int, is_due: Callable[[int | None], bool]) -> int | None:
    """Return the id of the batch's last row; None if there is no more row."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{column.select} FOR UPDATE", [last, BATCH_ROWS])
        rows = cursor.fetchall()
        for row, value in rows:
            secrets = column.of(value)
            if any(is_due(encryption.number_of(secret)) for secret in secrets):
                again = [_encrypted_again(column, secret) for secret in secrets]
                cursor.execute(column.update, [column.changed(value, again), row])
        return rows[-1][0] if rows else None


def _encrypted_again(column: _Column, secret: bytes) -> bytes:
    try:
        return encryption.encrypt(column.decrypt(secret))
    except encryption.DecryptionError:
        return secret


def _secrets() -> Iterator[tuple[_Column, int, bytes]]:
    """Yield all secrets, each with its column and the row's id."""
    for column in _COLUMNS:
        rows: list[tuple[int, Any]] = [(0, None)]
        while rows:
            last = rows[-1][0]
            with connection.cursor() as cursor:
                cursor.execute(column.select, [last, BATCH_ROWS])
                rows = cursor.fetchall()
            for row, value in rows:
                yield from ((column, row, secret) for secret in column.of(value))


@contextmanager
def _nobody_writing() -> Iterator[None]:
    """Wait for transactions that have written secrets, perhaps with an old key, and let none begin meanwhile."""
    tables = ", ".join(column.table for column in _COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{WRITERS_SECONDS_MAX}s"])
        try:
            cursor.execute(f"LOCK TABLE {tables} IN SHARE MODE")
        except OperationalError as error:
            raise StartError(
                f"A transaction has been writing secrets for {WRITERS_SECONDS_MAX} seconds. Try again later."
            ) from error
        yield


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        row = cursor.fetchone()
        if not row or not row[0]:
            raise StartError("Another rotation is running.")
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
