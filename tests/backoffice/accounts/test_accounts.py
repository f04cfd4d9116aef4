"""Accounts and keys: created, suspended, revoked; and nobody gains more rights than they were given."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.backoffice.browsers import sign_in
from tests.backoffice.conftest import Things
from tests.conftest import Customer

NEW = "correct horse battery staple"


def tick(client: Client, name: str, action: str, *rows: int, **fields: str) -> int:
    form = {"action": action, "_selected_action": rows, **fields}
    return client.post(reverse(f"admin:{name}_changelist"), form, follow=True).status_code


def manager() -> Client:
    """A member of staff who may manage accounts, and is no superuser."""
    from django.contrib.auth.models import Permission

    from tradepost.accounts.models import Account

    client = sign_in(is_staff=True)
    account = Account.objects.get(pk=client.session["_auth_user_id"])
    names = ["view_account", "add_account", "change_account", "view_key", "change_key"]
    account.user_permissions.set(Permission.objects.filter(codename__in=names))
    return client


def test_an_account_is_made_without_a_password(staff: Client) -> None:
    from tradepost.accounts.models import Account

    response = staff.post(reverse("admin:accounts_account_add"), {"email": "New@Backoffice.Example", "name": "New"})
    made = Account.objects.get(email="new@backoffice.example")
    assert response.headers["Location"] == reverse("admin:accounts_account_change", args=[made.pk])
    assert not made.has_usable_password()
    assert made.ledger_account.balance == 0
    assert not made.is_staff


def test_an_address_is_one_account_however_it_is_typed(staff: Client, alice: Customer) -> None:
    response = staff.post(reverse("admin:accounts_account_add"), {"email": alice.email.upper()})
    assert response.status_code == 200
    assert response.context["errors"]


def test_accounts_are_suspended_and_activated(staff: Client, alice: Customer, bob: Customer) -> None:
    from tradepost.accounts.models import Account, AccountEvent

    assert tick(staff, "accounts_account", "suspend", alice.id) == 200  # asks for the reason
    assert tick(staff, "accounts_account", "suspend", alice.id, asked="yes", reason=" ") == 200
    assert Account.objects.get(pk=alice.id).is_active
    tick(staff, "accounts_account", "suspend", alice.id, asked="yes", reason="all at once")
    assert not Account.objects.get(pk=alice.id).is_active
    assert Account.objects.get(pk=bob.id).is_active
    tick(staff, "accounts_account", "activate", alice.id, bob.id, asked="yes", reason="paid")
    assert Account.objects.get(pk=alice.id).is_active
    written = AccountEvent.objects.filter(account__in=[alice.id, bob.id]).order_by("id").values_list("kind", "reason")
    assert list(written) == [("suspended", "all at once"), ("activated", "paid")]


def test_nobody_suspends_themselves(staff: Client) -> None:
    from tradepost.accounts.models import Account

    me = int(staff.session["_auth_user_id"])
    tick(staff, "accounts_account", "suspend", me, asked="yes", reason="why")
    staff.post(reverse("admin:accounts_account_change", args=[me]), {"email": "me@backoffice.example"})
    account = Account.objects.get(pk=me)
    assert account.is_active
    assert account.is_superuser


def test_who_manages_accounts_hands_out_no_rights(alice: Customer) -> None:
    from tradepost.accounts.models import Account

    form = {"email": alice.email, "is_active": "on", "is_staff": "on", "is_superuser": "on", "user_permissions": ["1"]}
    management = {"keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0}
    response = manager().post(reverse("admin:accounts_account_change", args=[alice.id]), {**form, **management})
    assert response.status_code == 302
    account = Account.objects.get(pk=alice.id)
    assert not account.is_staff
    assert not account.is_superuser
    assert not account.user_permissions.exists()


def test_who_manages_accounts_does_not_take_over_staff() -> None:
    from tradepost.accounts.models import Account

    boss = Account.objects.create_superuser("boss@backoffice.example", "the boss's own password")
    client = manager()
    assert client.post(reverse("admin:accounts_account_change", args=[boss.pk]), {"email": "x@y.zz"}).status_code == 403
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[boss.pk]), form).status_code == 403
    tick(client, "accounts_account", "suspend", boss.pk, asked="yes", reason="why")
    boss.refresh_from_db()
    assert boss.is_active
    assert boss.check_password("the boss's own password")


@pytest.mark.parametrize("who", [manager, lambda: sign_in(is_staff=True, is_superuser=True)])
def test_ticked_keys_are_revoked(things: Things, who: "type[Client]") -> None:
    from tradepost.accounts.models import Key

    assert tick(who(), "accounts_key", "revoke_ticked", things.accounts_key) == 200
    assert Key.objects.get(pk=things.accounts_key).revoked_at


def test_a_key_is_revoked_on_its_page_after_asking_back(staff: Client, things: Things) -> None:
    from tradepost.accounts.models import Key

    page = reverse("admin:accounts_key_change", args=[things.accounts_key])
    button = reverse("admin:accounts_key_revoke", args=[things.accounts_key])
    assert button in staff.get(page).content.decode()
    assert "Revoke this key?" in staff.get(button).content.decode()
    assert Key.objects.get(pk=things.accounts_key).revoked_at is None
    response = staff.post(button, {"_form_submitted": "True"})
    assert response.headers["HX-Redirect"] == page
    assert Key.objects.get(pk=things.accounts_key).revoked_at
    afterwards = staff.get(page).content.decode()
    assert "is revoked" in afterwards
    assert button not in afterwards
    assert staff.post(button, {"_form_submitted": "True"}).status_code == 403


def test_how_often_a_key_may_ask_is_changed_on_its_page(things: Things) -> None:
    from tradepost.accounts.models import Key
    from tradepost.audit.models import Entry

    client = manager()
    page = reverse("admin:accounts_key_change", args=[things.accounts_key])
    button = reverse("admin:accounts_key_limit", args=[things.accounts_key])
    assert button in client.get(page).content.decode()
    for typed, kept, shown in [("1200", 1200, "1,200 requests a minute"), ("0", 0, "unlimited")]:
        response = client.post(button, {"_form_submitted": "True", "requests_a_minute": typed})
        assert response.headers["HX-Redirect"] == page
        assert Key.objects.get(pk=things.accounts_key).requests_a_minute == kept
        assert f'value="{kept}"' in client.get(button).content.decode()
        assert shown in client.get(page).content.decode()
        logged = Entry.objects.filter(model="accounts.key", object_id=things.accounts_key).latest("id")
        assert logged.after == {"done": f"Limit set to {shown}"}
    client.post(button, {"_form_submitted": "True", "requests_a_minute": ""})
    assert Key.objects.get(pk=things.accounts_key).requests_a_minute is None


def test_a_key_is_renamed(things: Things) -> None:
    from tradepost.accounts.models import Key

    button = reverse("admin:accounts_key_rename", args=[things.accounts_key])
    manager().post(button, {"_form_submitted": "True", "name": "The old shop"})
    assert Key.objects.get(pk=things.accounts_key).name == "The old shop"
    assert sign_in(is_staff=True).post(button, {"_form_submitted": "True", "name": "x"}).status_code == 403


@pytest.mark.parametrize("typed", ["-1", "1000001", "many", "1.5"])
def test_a_limit_that_cannot_be_right_changes_nothing(staff: Client, things: Things, typed: str) -> None:
    from tradepost.accounts.models import Key

    button = reverse("admin:accounts_key_limit", args=[things.accounts_key])
    response = staff.post(button, {"_form_submitted": "True", "requests_a_minute": typed})
    assert response.status_code == 200
    assert response.context["form"].errors
    assert Key.objects.get(pk=things.accounts_key).requests_a_minute is None


def test_a_revoked_key_is_not_limited_any_more(staff: Client, things: Things) -> None:
    tick(staff, "accounts_key", "revoke_ticked", things.accounts_key)
    button = reverse("admin:accounts_key_limit", args=[things.accounts_key])
    assert staff.post(button, {"_form_submitted": "True", "requests_a_minute": "5"}).status_code == 403


@pytest.mark.parametrize("key", ["0", "nonsense"])
def test_the_page_of_no_key_leads_back(staff: Client, key: str) -> None:
    assert staff.get(reverse("admin:accounts_key_change", args=[key])).status_code == 302
    assert staff.post(reverse("admin:accounts_key_revoke", args=[key]), {"_form_submitted": "True"}).status_code == 403


def test_a_revoked_key_keeps_the_time_it_was_revoked_at(staff: Client, things: Things) -> None:
    from tradepost.accounts.models import Key

    tick(staff, "accounts_key", "revoke_ticked", things.accounts_key)
    at = Key.objects.get(pk=things.accounts_key).revoked_at
    tick(staff, "accounts_key", "revoke_ticked", things.accounts_key)
    assert Key.objects.get(pk=things.accounts_key).revoked_at == at


def test_charlie_limits_and_revokes_nothing(charlie: Client, things: Things) -> None:
    from tradepost.accounts.models import Key

    limit = reverse("admin:accounts_key_limit", args=[things.accounts_key])
    assert charlie.post(limit, {"_form_submitted": "True", "requests_a_minute": "5"}).status_code == 403
    assert Key.objects.get(pk=things.accounts_key).requests_a_minute is None
    button = reverse("admin:accounts_key_revoke", args=[things.accounts_key])
    assert charlie.post(button, {"_form_submitted": "True"}).status_code == 403
    assert tick(charlie, "accounts_key", "revoke_ticked", things.accounts_key) == 403
    assert Key.objects.get(pk=things.accounts_key).revoked_at is None
