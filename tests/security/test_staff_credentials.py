"""Staff takes no account over: it sets no password, a new address has to be proved, and all of it is mailed."""

from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from tests import mail_queue
from tests.backoffice.accounts.test_accounts import tick
from tests.backoffice.browsers import me, member, press, sign_in, staff_with, told
from tests.conftest import Customer
from tradepost.accounts import creation, keys
from tradepost.accounts.models import Account, AccountEvent, Key

PASSWORD = "correct horse battery"
OTHER = "staple horse battery"
NEW_ADDRESS = "new@credentials.example"


@pytest.fixture
def bob() -> Iterator[Account]:
    """A customer with a password."""
    account = creation.create("bob@credentials.example", PASSWORD)
    yield account
    # Other tests use the same addresses, and an account is never deleted.
    EmailAddress.objects.filter(user=account).delete()
    Account.objects.filter(pk=account.pk).update(email=f"was-bob{account.pk}@credentials.example")


def signs_in(email: str, password: str = PASSWORD) -> bool:
    form = {"login": email, "password": password}
    return Client().post(reverse("account_login"), form).headers.get("Location") == reverse("panel:dashboard")


def mails_to(address: str) -> list[str]:
    return [str(message.body) for message in mail_queue.mailed() if message.to == [address]]


def link_in(body: str) -> str:
    [link] = mail_queue.paths_in(body)
    return link


@pytest.mark.parametrize("role", ["owner", "manager", "support", "superuser"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_role_sets_a_password_of_a_customer(bob: Account, role: str, method: str) -> None:
    client = sign_in(is_staff=True, is_superuser=True) if role == "superuser" else member(role)
    address = reverse("admin:auth_user_password_change", args=[bob.pk])
    form = {"usable_password": "true", "password1": OTHER, "password2": OTHER}
    assert getattr(client, method)(address, form).status_code == 403
    assert Account.objects.get(pk=bob.pk).check_password(PASSWORD)


def test_no_form_of_the_account_takes_a_password_or_an_address(bob: Account) -> None:
    client = member("owner")
    form = {
        "name": "Bob", "email": NEW_ADDRESS, "password": OTHER, "password1": OTHER, "password2": OTHER,
        "usable_password": "true", "is_active": "", "keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert client.post(reverse("admin:accounts_account_change", args=[bob.pk]), form).status_code == 302
    after = Account.objects.get(pk=bob.pk)
    assert (after.name, after.email, after.password, after.is_active) == ("Bob", bob.email, bob.password, True)


def test_a_new_account_gets_a_link_and_no_password_from_staff() -> None:
    client = member("support")
    form = {"email": "made@credentials.example", "mail_link": "on", "password1": OTHER, "password2": OTHER}
    client.post(reverse("admin:accounts_account_add"), {**form, "usable_password": "true"})
    account = Account.objects.get(email="made@credentials.example")
    assert not account.has_usable_password()
    [body] = mails_to("made@credentials.example")
    visitor = Client()
    page = visitor.get(link_in(body), follow=True).redirect_chain[-1][0]
    visitor.post(page, {"password1": OTHER, "password2": OTHER})
    assert signs_in("made@credentials.example", OTHER)
    assert list(AccountEvent.objects.filter(account=account).values_list("kind", flat=True)) == ["reset mailed"]


def test_staff_changes_its_own_password_in_the_panel_only() -> None:
    client = sign_in(is_staff=True, is_superuser=True, password=PASSWORD)
    form = {"old_password": PASSWORD, "new_password1": OTHER, "new_password2": OTHER}
    for response in (
        client.get(reverse("admin:password_change")),
        client.post(reverse("admin:password_change"), form),
    ):
        assert response.headers["Location"] == reverse("account_change_password")
    own = reverse("admin:auth_user_password_change", args=[me(client).pk])
    assert client.post(own, {"password1": OTHER, "password2": OTHER}).status_code == 403
    assert me(client).check_password(PASSWORD)


def test_the_address_stays_the_old_one_until_the_link_is_followed(bob: Account) -> None:
    client, old = member("manager"), str(bob.email)
    response = press(client, "change_address", bob.pk, email=NEW_ADDRESS.upper(), reason="asked by phone")
    assert "the address stays bob@credentials.example" in told(client, response)
    assert signs_in(old)
    assert not signs_in(NEW_ADDRESS)
    [notice], [confirmation] = mails_to(old), mails_to(NEW_ADDRESS)[:1]
    assert NEW_ADDRESS in notice
    assert str(me(client).email) not in notice

    mail_queue.empty()
    for address in (NEW_ADDRESS, old):
        Client().post(reverse("account_reset_password"), {"email": address})
    assert not any("/password/reset/key/" in body for body in mails_to(NEW_ADDRESS))
    assert any("/password/reset/key/" in body for body in mails_to(old))

    mail_queue.empty()
    Client().post(link_in(confirmation))
    assert Account.objects.get(pk=bob.pk).email == NEW_ADDRESS
    assert signs_in(NEW_ADDRESS)
    assert not signs_in(old)
    assert len(mails_to(old)) == 1
    [event] = AccountEvent.objects.filter(account=bob)
    assert (event.kind, event.before, event.after, event.reason) == (
        "address change", old, NEW_ADDRESS, "asked by phone",
    )  # fmt: skip


def test_a_second_change_makes_the_first_link_worthless(bob: Account) -> None:
    client = member("manager")
    press(client, "change_address", bob.pk, email="first@credentials.example", reason="a slip")
    [first] = mails_to("first@credentials.example")
    press(client, "change_address", bob.pk, email=NEW_ADDRESS, reason="now right")
    Client().post(link_in(first))
    assert Account.objects.get(pk=bob.pk).email == bob.email


def test_an_address_of_another_account_is_refused(bob: Account, alice: Customer) -> None:
    creation.mark_email_verified(Account.objects.get(pk=alice.id))
    response = press(member("manager"), "change_address", bob.pk, email=alice.email, reason="why")
    assert response.context["form"].errors["email"]
    assert not EmailAddress.objects.filter(user=bob, email=alice.email).exists()


def test_an_address_takes_a_permission_of_its_own(bob: Account) -> None:
    for client in (member("support"), staff_with("accounts.view_account", "accounts.change_account")):
        assert press(client, "change_address", bob.pk, email=NEW_ADDRESS, reason="why").status_code == 403
    assert not EmailAddress.objects.filter(email=NEW_ADDRESS).exists()


@pytest.mark.parametrize("other", ["owner", "superuser"])
def test_nobody_changes_an_address_of_their_own_rank_or_above(other: str) -> None:
    client = member("owner")
    victim = me(sign_in(is_staff=True, is_superuser=True) if other == "superuser" else member(other))
    for account in (victim, me(client)):
        assert press(client, "change_address", account.pk, email=NEW_ADDRESS, reason="why").status_code == 403
    below = me(member("support"))
    assert (
        "HX-Redirect"
        in press(client, "change_address", below.pk, email=f"{other}-s@credentials.example", reason="lost").headers
    )


@pytest.mark.parametrize(
    ("button", "fields", "word"),
    [
        ("suspend_one", {}, "suspended your account"),
        ("end_sessions", {}, "ended sessions"),
        ("mail_reset", {}, "/password/reset/key/"),
        ("confirm_email", {}, "confirmed the email address"),
    ],
)
def test_what_staff_does_to_an_account_is_mailed_to_it(
    bob: Account, button: str, fields: dict[str, str], word: str
) -> None:
    if button == "confirm_email":
        EmailAddress.objects.filter(user=bob).update(verified=False)
    if button == "end_sessions":
        Client().post(reverse("account_login"), {"login": bob.email, "password": PASSWORD})
        fields = {"sessions": str(UserSession.objects.get(user=bob).pk)}
    mail_queue.empty()
    client = member("manager")
    press(client, button, bob.pk, reason="a reason for staff", **fields)
    [body] = mails_to(str(bob.email))
    assert word in body
    assert "a reason for staff" not in body
    assert str(me(client).email) not in body


def test_an_account_that_is_active_again_is_told(bob: Account) -> None:
    Account.objects.filter(pk=bob.pk).update(is_active=False)
    press(member("manager"), "activate_one", bob.pk, reason="paid")
    [body] = mails_to(str(bob.email))
    assert "activated your account" in body


def test_accounts_that_are_ticked_are_told_too(bob: Account) -> None:
    tick(member("manager"), "accounts_account", "suspend", bob.pk, asked="yes", reason="all at once")
    assert "suspended your account" in mails_to(str(bob.email))[0]


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize(
    ("button", "fields", "word"),
    [
        ("rename", {"name": "Shop"}, "“Shop”"),
        ("limit", {"requests_a_minute": "30"}, "30 requests a minute"),
        ("limit", {"requests_a_minute": "0"}, "none any more"),
        ("limit", {"requests_a_minute": ""}, "same as for other customers"),
        ("revoke", {}, "revoked your API key"),
    ],
)
def test_what_staff_does_to_a_key_is_mailed_to_its_account(
    bob: Account, button: str, fields: dict[str, str], word: str, *, test: bool
) -> None:
    text = keys.create(bob, test=test)
    key = Key.objects.latest("id")
    member("support").post(reverse(f"admin:accounts_key_{button}", args=[key.pk]), {"_form_submitted": "on", **fields})
    [body] = mails_to(str(bob.email))
    assert word in body
    assert str(key) in body
    assert text not in body


def test_ticked_keys_are_mailed_too(bob: Account) -> None:
    keys.create(bob)
    tick(member("support"), "accounts_key", "revoke_ticked", Key.objects.latest("id").pk)
    assert "revoked your API key" in mails_to(str(bob.email))[0]


@pytest.mark.parametrize("button", ["revoke", "rename", "limit"])
def test_keys_of_staff_with_more_rights_are_left_alone(bob: Account, button: str) -> None:
    owner = me(member("owner"))
    for account in (owner, bob):
        keys.create(account)
    of_bob, of_owner = Key.objects.order_by("pk").filter(account__in=[owner, bob]).reverse()[:2]
    support = member("support")
    address = reverse(f"admin:accounts_key_{button}", args=[of_owner.pk])
    assert support.get(address).status_code == 403
    assert support.post(address, {"_form_submitted": "on", "name": "taken"}).status_code == 403
    tick(support, "accounts_key", "revoke_ticked", of_owner.pk, of_bob.pk)
    of_owner.refresh_from_db()
    of_bob.refresh_from_db()
    assert (of_owner.name, of_owner.revoked_at) == ("", None)
    assert of_bob.revoked_at
    assert mails_to(str(owner.email)) == []


@pytest.mark.parametrize(("language", "word"), [("es", "Nuestro"), ("ru", "поддержка")])
def test_such_a_mail_is_in_the_language_of_the_account(bob: Account, language: str, word: str) -> None:
    Account.objects.filter(pk=bob.pk).update(language=language)
    press(member("manager"), "change_address", bob.pk, email=f"{language}@credentials.example", reason="asked")
    assert word in mails_to(str(bob.email))[0]
    press(member("manager"), "suspend_one", bob.pk, reason="why")
    assert "Our support" not in mails_to(str(bob.email))[1]
