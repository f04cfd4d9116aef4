"""A backup of the database gives no second factor and no provider's key away, and each key can be replaced."""

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.tokens import default_token_generator
from django.db import connection as django_connection
from django.test import Client, override_settings
from django.urls import reverse

from testkit.upstream.server import Upstream
from tests import asking
from tests.api.api_calls import LINK
from tests.authenticator_app import shown_code
from tests.builders import make_offer, make_provider, route
from tests.command_line import run
from tests.conftest import Customer, Desk
from tests.waiting import HANG_SECONDS, until
from tradepost import encryption
from tradepost.accounts.models import Account
from tradepost.orders.models import Order

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
KEY = "a key that rotations leave as it is"


@pytest.fixture
def account(alice: Customer) -> Account:
    return Account.objects.get(pk=alice.id)


def data_of(connection: psycopg.Connection, authenticator: int) -> str:
    [row] = connection.execute("SELECT data::text FROM mfa_authenticator WHERE id = %s", [authenticator]).fetchall()
    return str(row[0])


def number_in(data: str) -> set[int]:
    """Return the numbers of the keys that encrypted an authenticator's secrets."""
    return {int(each) for each in re.findall(r'"([0-9]+)\.gAAAA', data)}


def test_an_authenticators_secret_is_not_in_clear_in_the_database(
    connection: psycopg.Connection, account: Account
) -> None:
    made = totp.TOTP.activate(account, TOTP_SECRET).instance
    assert TOTP_SECRET not in data_of(connection, made.pk)
    with override_settings(MFA_TOTP_TOLERANCE=HANG_SECONDS // 30):
        assert totp.TOTP(Authenticator.objects.get(pk=made.pk)).validate_code(shown_code(TOTP_SECRET))


def test_the_seed_of_recovery_codes_is_not_in_clear_in_the_database(
    connection: psycopg.Connection, account: Account
) -> None:
    codes = RecoveryCodes.activate(account)
    data = data_of(connection, codes.instance.pk)
    assert number_in(data)
    assert not re.search(r"[0-9a-f]{40}", data)
    [first, *rest] = codes.get_unused_codes()
    assert RecoveryCodes(Authenticator.objects.get(pk=codes.instance.pk)).validate_code(first)
    assert RecoveryCodes(Authenticator.objects.get(pk=codes.instance.pk)).get_unused_codes() == rest


def test_what_an_older_version_left_is_encrypted_at_the_next_start(
    connection: psycopg.Connection, account: Account
) -> None:
    """Second factors were in clear, and providers' keys were encrypted by the secret key."""
    app = Authenticator.objects.create(user=account, type="totp", data={"secret": TOTP_SECRET})
    seed, migrated = "ab" * 20, ["11112222", "33334444"]
    seeded = {"seed": seed, "used_mask": 5, "migrated_codes": migrated}
    codes = Authenticator.objects.create(user=account, type="recovery_codes", data=seeded)
    provider = make_provider(key=KEY)
    provider.encrypted_key = encryption._of_secret_key(_secret_key()).encrypt(KEY.encode())
    provider.save()
    assert provider.key == KEY
    run("migrate")
    provider.refresh_from_db()
    assert provider.key == KEY
    newest = encryption.newest_number()
    assert encryption.number_of(bytes(provider.encrypted_key)) == newest
    for each, clear in ((app, [TOTP_SECRET]), (codes, [seed, *migrated])):
        data = data_of(connection, each.pk)
        assert number_in(data) == {newest}
        assert not [secret for secret in clear if secret in data]
    data = json.loads(data_of(connection, codes.pk))
    assert data["used_mask"] == 5
    assert RecoveryCodes(Authenticator.objects.get(pk=codes.pk)).generate_codes() == migrated


def _secret_key() -> str:
    from django.conf import settings

    return str(settings.SECRET_KEY)


def test_the_key_is_rotated_while_a_desk_sends_orders(
    desk: Desk, alice: Customer, account: Account, make_service: Callable[..., int], connection: psycopg.Connection
) -> None:
    app = totp.TOTP.activate(account, TOTP_SECRET).instance
    before = encryption.newest_number()
    with Upstream() as upstream:
        provider = make_provider(upstream.url, requests_a_second=1_000)
        service = make_service()
        route(service, make_offer(provider))
        placed: list[int] = []
        is_rotated = threading.Event()

        def order() -> None:
            fields = {"key": alice.key, "action": "add", "service": service, "quantity": 100}
            answer = asking.post(desk.api_url, data={**fields, "link": f"{LINK}/{len(placed)}"}).json()
            assert "order" in answer, answer
            placed.append(answer["order"])

        def order_all_the_while() -> None:
            while not is_rotated.is_set():
                order()
                is_rotated.wait(0.1)

        ordering = threading.Thread(target=order_all_the_while)
        ordering.start()
        try:
            said = run("keys", "rotate-secret")
        finally:
            is_rotated.set()
            ordering.join()
        assert f"Everything is encrypted with key {before + 1}" in said
        assert run("keys", "rotate-secret", "--delete-old").startswith("Old keys deleted: ")
        order()
        until(lambda: len(upstream.asked("add")) >= len(placed), "the provider gets every order")
        assert Order.objects.filter(pk__in=placed).count() == len(placed) > 1
        keys = {each.parameters["key"] for each in upstream.seen}
    provider.refresh_from_db()
    assert keys == {provider.key}
    assert encryption.number_of(bytes(provider.encrypted_key)) == before + 1
    assert number_in(data_of(connection, app.pk)) == {before + 1}
    with override_settings(MFA_TOTP_TOLERANCE=HANG_SECONDS // 30):
        assert totp.TOTP(Authenticator.objects.get(pk=app.pk)).validate_code(shown_code(TOTP_SECRET))


def test_an_interrupted_rotation_goes_on_with_its_key() -> None:
    first, second = make_provider(key=KEY), make_provider(key=KEY)
    newest = encryption.add_key()  # a rotation begins so
    first.key = KEY
    first.save()
    assert {encryption.number_of(bytes(each.encrypted_key)) for each in (first, second)} == {newest, newest - 1}
    assert "Old keys are still in use" in run("keys", "rotate-secret", "--delete-old", status=1)
    assert f"encrypted with key {newest}," in run("keys", "rotate-secret")
    second.refresh_from_db()
    assert encryption.number_of(bytes(second.encrypted_key)) == newest
    assert second.key == KEY


def test_a_secret_that_is_being_written_with_an_old_key_keeps_that_key(connection: psycopg.Connection) -> None:
    provider = make_provider(key=KEY)
    run("keys", "rotate-secret")
    old = encryption.encrypt(KEY)
    newest = encryption.add_key()
    run("keys", "rotate-secret")
    connection.execute("UPDATE providers_provider SET encrypted_key = %s WHERE id = %s", [old, provider.pk])
    said: list[str] = []
    deleting = threading.Thread(target=lambda: said.append(run("keys", "rotate-secret", "--delete-old", status=1)))
    deleting.start()
    try:
        until(_waits_for_a_lock, "the command waits for the transaction")
    finally:
        connection.commit()
        deleting.join()
    assert "Old keys are still in use" in said[0]
    provider.refresh_from_db()
    assert encryption.number_of(bytes(provider.encrypted_key)) == newest - 1
    assert provider.key == KEY
    run("keys", "rotate-secret")


def _waits_for_a_lock() -> bool:
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE mode = 'ShareLock' AND NOT granted)")
        [waits] = cursor.fetchone()
    return bool(waits)


def test_the_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "home" / "sealing_keys"
    with override_settings(TRADEPOST_SEALING_KEYS_FILE=file):
        sealed = encryption.encrypt(KEY)
        assert file.stat().st_mode & 0o777 == 0o600
        assert encryption.add_key() == 2
        assert file.stat().st_mode & 0o777 == 0o600
        assert encryption.decrypt(sealed) == KEY
        assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_start_without_the_file_of_keys_makes_no_new_one(tmp_path: Path) -> None:
    make_provider(key=KEY)
    file = tmp_path / "elsewhere"
    said = run("migrate", status=1, environ={"TRADEPOST_SEALING_KEYS_FILE": str(file)})
    assert "The file of sealing keys is missing" in said
    assert not file.exists()


@pytest.mark.parametrize("content", ["", "one key\n", "1 short\n", f"1 {'A' * 43}=\n1 {'B' * 43}=\n"])
def test_a_damaged_file_of_keys_is_said(tmp_path: Path, content: str) -> None:
    file = tmp_path / "sealing_keys"
    file.write_text(content)
    with (
        override_settings(TRADEPOST_SEALING_KEYS_FILE=file),
        pytest.raises(encryption.KeyFileError, match=str(file)),
    ):
        encryption.encrypt(KEY)


def test_sessions_and_reset_links_outlive_a_rotation_of_the_secret_key(account: Account) -> None:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(account)
    token = default_token_generator.make_token(account)
    page = reverse("panel:dashboard")
    with override_settings(SECRET_KEY="a new one", SECRET_KEY_FALLBACKS=[_secret_key()]):
        assert client.get(page).status_code == 200
        assert default_token_generator.check_token(account, token)
    with override_settings(SECRET_KEY="another new one", SECRET_KEY_FALLBACKS=[]):
        assert client.get(page).status_code == 302
        assert not default_token_generator.check_token(account, token)


def test_the_secret_keys_of_a_home_are_the_lines_of_its_file(tmp_path: Path) -> None:
    from tradepost.config.settings import _secret_keys

    [made] = _secret_keys(tmp_path)
    (tmp_path / "secret_key").write_text(f"a newer one\n{made}\n")
    assert _secret_keys(tmp_path) == ["a newer one", made]
