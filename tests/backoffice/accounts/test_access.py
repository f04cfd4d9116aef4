"""Access: suspensions apply at once everywhere, sessions end, and staff help with lost passwords and second factors."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils.html import strip_tags

from tests import mail_queue
from tests.backoffice.browsers import me, press, sign_in, staff_with, told
from tests.conftest import Customer
from tests.engine.engine_calls import ask, refuse_one
from tests.mail_queue import mailed, paths_in
from tradepost.accounts import creation
from tradepost.accounts.models import Account, AccountEvent

PASSWORD = "correct horse battery"
BUTTONS = (
    "suspend_one",
    "activate_one",
    "end_sessions",
    "mail_reset",
    "confirm_email",
    "second_factor_off",
    "write_note",
)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """Start without sent mail and without used-up rate limits, and make password hashing fast."""
    cache.clear()
    mail_queue.empty()
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def manager() -> Client:
    """A member of staff who may change accounts, and nothing else."""
    return staff_with("accounts.view_account", "accounts.change_account")


def customer_who_signs_in(email: str) -> tuple[Account, Client]:
    """Return a new account, and a browser that has signed in with its password."""
    account = creation.create(email, PASSWORD)
    client = Client()
    assert enter(client, account) == reverse("panel:dashboard")
    return account, client


def enter(client: Client, account: Account) -> str:
    form = {"login": str(account.email), "password": PASSWORD}
    return str(client.post(reverse("account_login"), form).headers.get("Location", ""))


def events(account: int) -> list[tuple[str, str, str]]:
    return list(AccountEvent.objects.filter(account=account).order_by("id").values_list("kind", "actor", "reason"))


def test_a_suspended_account_is_refused_at_once_everywhere_and_let_in_again(
    manager: Client, connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    account = Account.objects.get(pk=alice.id)
    account.set_password(PASSWORD)
    account.save()
    creation.mark_email_verified(account)
    client = Client()
    enter(client, account)
    assert client.get(reverse("panel:dashboard")).status_code == 200

    response = press(manager, "suspend_one", alice.id, reason="charged back")
    assert "is suspended" in told(manager, response)
    assert client.get(reverse("panel:dashboard")).status_code == 302
    assert enter(Client(), account) != reverse("panel:dashboard")
    assert refuse_one(connection, ask(alice, service)) == "Invalid API key"
    page = manager.get(reverse("admin:accounts_account_change", args=[alice.id])).content.decode()
    assert re.search(r"Suspended \d+ \w+ \d{4}, .* by .*: charged back", strip_tags(page))

    press(manager, "activate_one", alice.id, reason="paid after all")
    assert enter(Client(), account) == reverse("panel:dashboard")
    actor = str(me(manager).email)
    assert events(alice.id) == [("suspended", actor, "charged back"), ("activated", actor, "paid after all")]


def test_sessions_are_seen_and_ended_one_by_one(manager: Client) -> None:
    account, here = customer_who_signs_in("sessions@access.example")
    there = Client(headers={"user-agent": FIREFOX})
    enter(there, account)
    page = manager.get(reverse("admin:accounts_account_change", args=[account.pk])).content.decode()
    assert f'title="{FIREFOX}">Firefox on Windows<' in page
    dialog = manager.get(reverse("admin:accounts_account_end_sessions", args=[account.pk]))
    choices = dict(dialog.context["form"].fields["sessions"].choices)
    [ending] = [pk for pk, label in choices.items() if "Firefox on Windows" in label]
    response = press(manager, "end_sessions", account.pk, sessions=[ending], reason="lost phone")
    assert "1 ended" in told(manager, response)
    assert there.get(reverse("panel:dashboard")).status_code == 302
    assert here.get(reverse("panel:dashboard")).status_code == 200
    assert [event[0] for event in events(account.pk)] == ["sessions ended"]


def test_sessions_of_another_account_are_not_ended(manager: Client, alice: Customer) -> None:
    account, client = customer_who_signs_in("other@access.example")
    pk = UserSession.objects.get(user=account).pk
    press(manager, "end_sessions", alice.id, sessions=[pk], reason="a slip")
    assert client.get(reverse("panel:dashboard")).status_code == 200


def test_a_password_is_set_anew_by_the_mail_that_staff_has_sent(manager: Client) -> None:
    account, _ = customer_who_signs_in("forgot@access.example")
    press(manager, "mail_reset", account.pk, reason="asked by phone")
    assert mailed()[0].to == [account.email]
    [link] = paths_in(mailed()[0])
    client = Client()
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "staple horse battery", "password2": "staple horse battery"})
    account.refresh_from_db()
    assert account.check_password("staple horse battery")
    assert [event[0] for event in events(account.pk)] == ["reset mailed"]


def test_an_address_is_confirmed_on_staffs_word(manager: Client) -> None:
    account = Account.objects.create_user("unconfirmed@access.example", PASSWORD)
    EmailAddress.objects.create(user=account, email=account.email, primary=True, verified=False)
    assert enter(Client(), account) == reverse("account_email_verification_sent")
    press(manager, "confirm_email", account.pk, reason="its mail server is away")
    assert enter(Client(), account) == reverse("panel:dashboard")
    assert press(manager, "confirm_email", account.pk, reason="again").status_code == 403
    assert [event[0] for event in events(account.pk)] == ["email confirmed"]


@pytest.mark.parametrize(("language", "word"), [("", "two-factor"), ("es", "dos pasos")])
def test_a_lost_second_factor_is_turned_off_and_its_owner_told(manager: Client, language: str, word: str) -> None:
    account, _ = customer_who_signs_in(f"lost{language}@access.example")
    Account.objects.filter(pk=account.pk).update(language=language)
    for kind in ("totp", "recovery_codes", "webauthn"):
        Authenticator.objects.create(user=account, type=kind, data={})
    assert enter(Client(), account) == reverse("mfa_authenticate")
    press(manager, "second_factor_off", account.pk, reason="phone stolen; passport seen")
    assert enter(Client(), account) == reverse("panel:dashboard")
    [told_of, _new_device] = mailed()
    assert told_of.to == [account.email]
    assert word in str(told_of.body).lower()
    assert str(me(manager).email) not in str(told_of.body)
    assert events(account.pk) == [("second factor off", str(me(manager).email), "phone stolen; passport seen")]
    assert press(manager, "second_factor_off", account.pk, reason="again").status_code == 403


@pytest.mark.parametrize("button", BUTTONS)
def test_who_may_only_look_presses_no_button(button: str, alice: Customer) -> None:
    client = staff_with("accounts.view_account")
    assert press(client, button, alice.id, reason="why", text="why").status_code == 403
    page = client.get(reverse("admin:accounts_account_change", args=[alice.id])).content.decode()
    assert reverse(f"admin:accounts_account_{button}", args=[alice.id]) not in page
    assert events(alice.id) == []


@pytest.mark.parametrize("button", BUTTONS)
def test_who_manages_customers_presses_no_button_of_staffs(button: str, manager: Client) -> None:
    boss = me(sign_in(is_staff=True, is_superuser=True))
    Authenticator.objects.create(user=boss, type="totp", data={})
    assert press(manager, button, boss.pk, reason="why", text="why").status_code == 403
    assert events(boss.pk) == []


@pytest.mark.parametrize("button", ["suspend_one", "second_factor_off"])
def test_nobody_does_to_themselves_what_they_could_not_undo(button: str, staff: Client) -> None:
    Authenticator.objects.create(user=me(staff), type="totp", data={})
    assert press(staff, button, me(staff).pk, reason="why").status_code == 403


@pytest.mark.parametrize("button", BUTTONS[:-1])
def test_a_reason_has_to_be_given(button: str, staff: Client) -> None:
    account = Account.objects.create_user(f"{button}@access.example", is_active=button != "activate_one")
    Authenticator.objects.create(user=account, type="totp", data={})
    assert "HX-Redirect" not in press(staff, button, account.pk, reason=" ").headers
    assert events(account.pk) == []


@pytest.mark.parametrize(
    "statement", ["UPDATE accounts_accountevent SET reason = 'another'", "DELETE FROM accounts_accountevent"]
)
def test_what_staff_did_stays_written_down(manager: Client, alice: Customer, statement: str) -> None:
    press(manager, "suspend_one", alice.id, reason="why")
    raw: Any = connection.connection
    with pytest.raises(psycopg.errors.RestrictViolation):
        raw.execute(f"{statement} WHERE account_id = %s", [alice.id])
