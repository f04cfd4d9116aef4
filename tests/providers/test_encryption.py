"""Providers' keys are unreadable in the database; only this installation's key file decrypts them."""

from pathlib import Path

import psycopg
import pytest
from django.test import override_settings

from tests.builders import make_provider

KEY = "upstream-key-that-nobody-is-to-read"


def test_a_key_is_not_in_clear_in_the_database(connection: psycopg.Connection) -> None:
    provider = make_provider(key=KEY)
    [row] = connection.execute("SELECT p::text, p.encrypted_key FROM providers_provider p WHERE id = %s", [provider.pk])
    assert KEY not in row[0]
    assert KEY.encode() not in row[1]
    assert KEY.encode().hex() not in row[0]


def test_a_key_is_read_back() -> None:
    from tradepost.providers.models import Provider

    assert Provider.objects.get(pk=make_provider(key=KEY).pk).key == KEY


def test_two_providers_with_one_key_are_sealed_apart() -> None:
    assert make_provider(key=KEY).encrypted_key != make_provider(key=KEY).encrypted_key


def test_the_file_of_another_installation_says_so(tmp_path: Path) -> None:
    from tradepost.encryption import DecryptionError
    from tradepost.fulfilment.tasks.provider_sync import sync_provider

    provider = make_provider(key=KEY)
    with override_settings(TRADEPOST_SEALING_KEYS_FILE=tmp_path / "of another installation"):
        with pytest.raises(DecryptionError, match="another secret key"):
            assert provider.key
        sync_provider(provider.pk)
    provider.refresh_from_db()
    assert provider.sync_error == "Its key was sealed with another secret key: enter it again."
