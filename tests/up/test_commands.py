"""The other commands, run as an operator runs them."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests import asking
from tests.builders import place
from tests.command_line import run
from tests.conftest import Customer, Desk, until_stopped
from tradepost.accounts import invitations
from tradepost.accounts.models import Account
from tradepost.config import environment
from tradepost.reports.measures import Span, SubjectKind
from tradepost.reports.models import Total


def test_a_key_is_made_listed_and_revoked(desk: Desk, alice: Customer) -> None:
    key = run("keys", "create", alice.email, "--name", "my script", "--scope", "read", "--network", "127.0.0.1",
              "--requests-a-minute", "1200")  # fmt: skip
    assert key.startswith("tp_live_")
    asked = {"key": key, "action": "balance"}
    assert asking.post(desk.api_url, data=asked).json()["balance"] == "100.00"
    line = run("keys", "list", alice.email).splitlines()[-1].split("\t")
    assert line[1:] == [
        alice.email,
        f"{key[:12]}…",
        "read",
        "127.0.0.1/32",
        "1,200 requests a minute",
        "active",
        "my script",
    ]
    assert "is revoked" in run("keys", "revoke", line[0])
    assert asking.post(desk.api_url, data=asked).json() == {"error": "Invalid API key"}
    assert "no active key" in run("keys", "revoke", line[0], status=1)


def test_staff_is_made_in_a_role_and_everything_is_on_the_command_in_the_audit_log() -> None:
    from tradepost.audit.models import Entry

    password = ("--password", "quite-a-long-one")
    run("accounts", "create", "support@test.example", "--staff", "--role", "support", *password)
    run("accounts", "create", "owner@test.example", "--staff", *password)
    for role in ("support", "owner"):
        account = Account.objects.get(email=f"{role}@test.example")
        assert (account.is_staff, account.is_superuser) == (True, False)
        assert [group.name for group in account.groups.all()] == [role]
        entry = Entry.objects.filter(model="accounts.account", object_id=account.pk).earliest("id")
        assert entry.actor_kind == "command"
        assert entry.actor_name.startswith("tradepost accounts create, run by ")
    assert "--role needs --staff" in run("accounts", "create", "x@test.example", "--role", "owner", *password, status=1)


def test_what_is_wrong_with_a_key_is_said_in_a_line(alice: Customer) -> None:
    assert "There is no account nobody@test.example" in run("keys", "create", "nobody@test.example", status=1)
    assert "network" in run("keys", "create", alice.email, "--network", "somewhere", status=1)


def test_an_account_is_made_and_gets_funds() -> None:
    email = "Dave@Test.example"
    assert "can sign in" in run("accounts", "create", email, "--password", "quite-a-long-one", "--staff")
    dave = Account.objects.get(email="dave@test.example")
    assert dave.is_staff
    assert dave.check_password("quite-a-long-one")
    assert "is 25.50" in run("accounts", "top-up", "dave@test.example", "25.5", "--note", "cash")
    for amount in ("-1", "0", "1.000001", "NaN", "ten"):
        assert "is not an amount" in run("accounts", "top-up", "dave@test.example", "--", amount, status=1)
    assert "already exists" in run("accounts", "create", email, "--password", "quite-a-long-one", status=1)
    assert "too short" in run("accounts", "create", "eve@test.example", "--password", "short", status=1)


def test_an_invitation_is_a_link_for_one_address() -> None:
    link = run("accounts", "invite", "Erin@Test.example", environ={"TRADEPOST_URL": "https://panel.example"})
    assert link.startswith("https://panel.example/account/signup/?email=erin%40test.example&invitation=")
    assert invitations.invited_email(parse_qs(urlsplit(link).query)["invitation"][0]) == "erin@test.example"
    assert invitations.invited_email("made-up") is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRADEPOST_SIGN_UP", "maybe"),
        ("TRADEPOST_MAIL_URL", "https://mail.example"),
        ("TRADEPOST_SIGN_IN_LOG_DAYS", "0"),
        ("TRADEPOST_SIGN_IN_LOG_DAYS", "a year"),
        ("TRADEPOST_BREACHED_PASSWORDS", "yes"),
        ("TRADEPOST_MAIL_URL", "smtp://a:b"),
    ],
)
def test_a_setting_that_cant_be_right_is_named(variable: str, value: str) -> None:
    assert variable in run("check", status=1, environ={variable: value})


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://me:p%40ss@mail.example", 587, True, False),
        ("smtp://localhost:25", 25, False, False),
        ("smtps://me:p%40ss@mail.example", 465, False, True),
    ],
)
def test_a_mail_server_is_told_by_its_address(
    *, url: str, port: int, tls: bool, ssl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEPOST_MAIL_URL", url)
    told = environment.mailer()
    assert told
    assert (told["port"], told["use_tls"], told["use_ssl"]) == (port, tls, ssl)
    assert told["password"] in {"p@ss", ""}


def test_check_says_what_is_wrong_and_fails(alice: Customer, connection: psycopg.Connection) -> None:
    assert run("check") == "The books are correct."
    correct = "UPDATE ledger_account SET balance = balance + %s WHERE account_id = %s"
    connection.execute(correct, [1, alice.id])
    connection.commit()
    try:
        printed = run("check", status=1)
        assert "the balance is not the sum of its transfers" in printed
        assert "balance 101.00000, transfers 100.00000" in printed
    finally:
        connection.execute(correct, [-1, alice.id])
        connection.commit()


def test_a_command_starts_the_embedded_database_if_nobody_runs_it(tmp_path: Path) -> None:
    own = {"DATABASE_URL": "", "TRADEPOST_HOME": str(tmp_path)}
    assert run("migrate", environ=own) == "The database is up to date."
    until_stopped(tmp_path)
    run("accounts", "create", "frank@test.example", "--password", "quite-a-long-one", environ=own)
    assert run("keys", "create", "frank@test.example", environ=own).startswith("tp_live_")


def test_the_totals_of_reports_are_reckoned_anew(alice: Customer, service: int) -> None:
    place(alice.id, service)
    for arguments in ((), ("--go-on",)):
        assert run("reports", "rebuild", *arguments).endswith("The totals are up to date.")
        assert Total.objects.get(kind=SubjectKind.ACCOUNT, span=Span.YEAR, subject=alice.id).orders == 1
