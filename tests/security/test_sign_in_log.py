"""The log of sign-ins: what is in it, what never is, and that nobody can change it."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from tests import asking
from tests.authenticator_app import shown_code
from tests.conftest import Customer, Desk
from tests.mail_queue import mailed, paths_in
from tests.security.people import (
    FIREFOX,
    PASSWORD,
    WRONG,
    add_second_factor,
    browser,
    enter_code,
    logged,
    person,
    sign_in,
)
from tests.waiting import until
from tradepost.accounts import sign_in_log
from tradepost.accounts.models import Account, SignInEvent, SignInTotal
from tradepost.engine import keys

HERE = "192.0.2.1"


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The lines in the process's log."""
    written: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record.getMessage())

    keeper, logger = Keeper(), logging.getLogger("tradepost.sign_ins")
    logger.addHandler(keeper)
    yield written
    logger.removeHandler(keeper)


def test_a_sign_in_says_who_by_what_from_where_and_on_what() -> None:
    account = person()
    sign_in(browser(), account)
    [event] = logged(account=account)
    assert (event.kind, event.method, event.detail) == ("signed in", "password", "new device")
    assert (event.address, event.browser, event.count) == (HERE, FIREFOX, 1)


def test_each_step_of_a_sign_in_is_in_it() -> None:
    account = person()
    secret = add_second_factor(account)
    client = browser()
    sign_in(client, account, WRONG)
    sign_in(client, account)
    enter_code(client, "000000")
    enter_code(client, shown_code(secret))
    assert [(event.kind, event.method) for event in logged(account=account)] == [
        ("failed", "password"),
        ("failed", "code"),
        ("signed in", "password, code"),
    ]


def test_a_recovery_code_is_told_from_an_apps_code() -> None:
    from allauth.mfa.models import Authenticator

    account = person()
    add_second_factor(account)
    client = browser()
    sign_in(client, account)
    row = Authenticator.objects.get(user=account, type=Authenticator.Type.RECOVERY_CODES)
    assert enter_code(client, row.wrap().get_unused_codes()[0])
    assert logged(account=account)[-1].method == "password, recovery code"


@pytest.mark.parametrize(
    "credential",
    ['{"id": "x"}', "[1]", '"x"', "7", '{"id": [], "rawId": {}, "response": 3}', '{"response": {"a": null}}'],
)
def test_a_passkey_that_is_none_is_refused_and_in_it(credential: str) -> None:
    def count() -> int:
        return sum(event.count for event in logged(kind="failed", method="passkey"))

    before = count()
    assert browser().post(reverse("mfa_login_webauthn"), {"credential": credential}).status_code == 302
    assert count() == before + 1


def test_throttled_tries_share_a_row_a_minute_and_a_line(lines: list[str]) -> None:
    account = person()
    for _ in range(9):
        sign_in(browser(), account, WRONG)
    throttled = logged(account=account, kind="throttled")
    assert sum(event.count for event in throttled) == 4
    assert len(throttled) <= 2  # a minute may have begun in between
    told = [json.loads(line) for line in lines]
    assert [line for line in told if line["kind"] == "throttled"] == [
        {"log": "sign-ins", "kind": "throttled", "account": account.pk, "method": "password", "address": HERE}
    ] * len(throttled)


def test_what_changes_how_one_signs_in_is_in_it() -> None:
    account = person()
    client = browser()
    sign_in(client, account)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    client.post(reverse("mfa_activate_totp"), {"code": shown_code(form.secret)})
    client.post(reverse("mfa_generate_recovery_codes"))
    client.post(reverse("mfa_deactivate_totp"))
    new = "staple horse battery"
    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})
    client.post(reverse("account_reset_password"), {"email": str(account)})
    sign_in(other := browser(), account, new)
    client.post(reverse("usersessions_list"))
    kinds = [event.kind for event in logged(account=account)]
    for kind in (
        "factor added",
        "codes renewed",
        "factor removed",
        "password changed",
        "reset asked",
        "sessions ended",
    ):
        assert kind in kinds, kind
    assert other.get(reverse("panel:dashboard")).status_code == 302


def test_who_guesses_the_old_password_in_a_session_of_somebody_else_is_in_it_and_stopped() -> None:
    account = person()
    client = browser()
    sign_in(client, account)
    new = "staple horse battery"
    form = {"oldpassword": WRONG, "password1": new, "password2": new}
    answers = [client.post(reverse("account_change_password"), form).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    events = logged(account=account, kind="failed")
    assert {event.method for event in events} == {"old password"}
    assert sum(event.count for event in events) == 5


def test_a_changed_address_is_in_it() -> None:
    account = person()
    client = browser()
    sign_in(client, account)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("account_email"), {"email": f"new.{account}", "action_add": ""})
    [link] = [path for message in mailed() for path in paths_in(message) if "confirm-email" in path]
    client.post(link)
    account.refresh_from_db()
    assert str(account) == f"new.{account}".replace("new.new.", "new.")
    assert "address changed" in [event.kind for event in logged(account=account)]


def test_a_reset_that_was_asked_for_and_done_is_in_it() -> None:
    account = person()
    client = browser()
    client.post(reverse("account_reset_password"), {"email": str(account)})
    link = paths_in(mailed()[0])[0]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "staple horse battery", "password2": "staple horse battery"})
    assert [event.kind for event in logged(account=account)] == ["reset asked", "reset done"]


def test_what_is_no_address_is_not_in_it() -> None:
    """People type their password into the field for the address."""
    before = SignInEvent.objects.count()
    sign_in(browser(), PASSWORD, WRONG)
    browser().post(reverse("account_reset_password"), {"email": PASSWORD})
    assert SignInEvent.objects.count() == before


@pytest.mark.parametrize("typed", ["my@password.horse", "nobody@security.example"])
def test_what_no_account_has_for_its_address_is_kept_as_a_digest_only(typed: str, lines: list[str]) -> None:
    before = SignInEvent.objects.latest("id").pk if SignInEvent.objects.exists() else 0
    sign_in(browser(), typed, WRONG)
    browser().post(reverse("account_reset_password"), {"email": typed})
    events = logged(pk__gt=before)
    assert events
    assert len({event.login for event in events}) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM accounts_signinevent e WHERE id > %s", [before])
        stored = str(cursor.fetchall()) + str(lines)
    assert typed not in stored
    assert WRONG not in stored


def test_no_password_code_or_session_is_in_it(lines: list[str]) -> None:
    account = person()
    secret = add_second_factor(account)
    client = browser()
    sign_in(client, account, WRONG)
    sign_in(client, account)
    code = shown_code(secret)
    enter_code(client, code)
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM accounts_signinevent e WHERE account_id = %s", [account.pk])
        stored = str(cursor.fetchall()) + str(lines)
    for hidden in (WRONG, PASSWORD, secret, client.session.session_key, client.cookies["csrftoken"].value):
        assert str(hidden) not in stored


def test_a_page_that_staff_may_not_see_is_in_it() -> None:
    clerk = person(is_staff=True)
    client = browser()
    client.force_login(clerk)
    path = reverse("admin:audit_entry_changelist")
    assert client.get(path).status_code == 403
    [event] = logged(account=clerk, kind="right refused")
    assert event.detail == f"GET {path}"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_signinevent SET account_id = NULL WHERE account_id = %s",
        "UPDATE accounts_signinevent SET count = count + 1 WHERE minute IS NULL AND account_id = %s",
        "UPDATE accounts_signinevent SET count = count - 1 WHERE account_id = %s",
        "UPDATE accounts_signinevent SET count = count + 1, address = NULL WHERE account_id = %s",
        "DELETE FROM accounts_signinevent WHERE account_id = %s",
        "TRUNCATE accounts_signinevent -- %s",
        "SET LOCAL tradepost.sweep = 'sign_ins'; DELETE FROM accounts_signinevent WHERE account_id = %s",
    ],
)
def test_nobody_changes_it(statement: str) -> None:
    account = person()
    sign_in(browser(), account, WRONG)
    sign_in(browser(), account)
    with pytest.raises(DatabaseError, match="never allowed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, [account.pk])


@pytest.mark.parametrize(("days", "left"), [(30, 1), (90, 2)])
def test_it_is_kept_as_long_as_the_setting_says(days: int, left: int) -> None:
    account = person()
    SignInEvent.objects.create(account=account, kind="signed in", at=timezone.now() - timedelta(days=60))
    SignInEvent.objects.create(account=account, kind="signed in")
    with override_settings(TRADEPOST_SIGN_IN_LOG_DAYS=days):
        sign_in_log.sweep()
    assert len(logged(account=account)) == left


def test_its_events_are_counted_for_good() -> None:
    def total() -> int:
        return sum(SignInTotal.objects.filter(kind="failed").values_list("count", flat=True))

    before = total()
    account = person()
    for _ in range(3):
        sign_in(browser(), account, WRONG)
    assert total() == before + 3


def test_metrics_have_its_counts() -> None:
    account = person()
    sign_in(browser(), account, WRONG)
    text = browser("127.0.0.1").get(reverse("metrics")).content.decode()
    [failed] = [line for line in text.splitlines() if line.startswith('tradepost_sign_in_events_total{kind="failed"}')]
    assert float(failed.split()[1]) >= 1
    assert 'tradepost_sign_in_events_total{kind="key_refused"}' in text


def test_keys_that_are_refused_are_in_it_by_no_part_of_themselves(desk: Desk, alice: Customer) -> None:
    made_up = "tp_live_made-up-by-somebody"
    customers = Account.objects.get(pk=alice.id)
    revoked = customers.keys.get()
    customers.keys.update(revoked_at=timezone.now())
    for key in (made_up, made_up, made_up, alice.key):
        for data in ({"key": key, "action": "balance"}, {"key": key, "action": "add", "service": "1"}):
            answer = asking.post(desk.api_url, data=data, headers={"x-forwarded-for": "203.0.113.99"})
            assert answer.json() == {"error": "Invalid API key"}
    hint = f"sha256:{keys.digest(made_up).hex()[:8]}"
    until(lambda: sum(event.count for event in logged(detail=hint)) == 6, "the made-up key is in the log")
    until(lambda: sum(event.count for event in logged(detail=revoked.prefix)) == 2, "the revoked key is in the log")
    assert {event.address for event in logged(detail=hint)} == {"203.0.113.99"}
    assert {event.account_id for event in logged(detail=revoked.prefix)} == {alice.id}
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM accounts_signinevent e WHERE kind = 'key refused'")
        stored = str(cursor.fetchall())
    assert "made-up" not in stored
    assert alice.key not in stored


def test_a_flood_of_made_up_keys_writes_few_rows(desk: Desk) -> None:
    before = SignInEvent.objects.filter(kind="key refused").count()
    with asking.Session() as session:
        for number in range(300):
            session.post(desk.api_url, data={"key": f"made up {number}", "action": "balance"})
    total = 0

    def all_are_counted() -> bool:
        nonlocal total
        events = SignInEvent.objects.filter(kind="key refused")
        total = events.count() - before
        return sum(events.filter(detail="other keys").values_list("count", flat=True)) + total >= 300

    until(all_are_counted, "all refusals are in the log")
    assert total <= 3 * 21  # a minute or two may have begun in between
