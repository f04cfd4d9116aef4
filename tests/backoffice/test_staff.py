"""Who may hand out which roles, who may change whose account, and that a desk always keeps an owner."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.backoffice.accounts.test_accounts import NEW, tick
from tests.backoffice.browsers import member, sign_in
from tests.backoffice.roles_table import ROLES
from tests.backoffice.test_lists import queries
from tests.conftest import Customer
from tradepost.accounts.models import Account

KEYS = {"keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}


def of(client: Client) -> Account:
    return Account.objects.get(pk=client.session["_auth_user_id"])


def save(client: Client, account: Account, **fields: object) -> int:
    """Post an account's page with these fields changed; return the response's status code."""
    form = {"email": account.email, "name": account.name, "is_active": "on", **KEYS, **fields}
    return client.post(reverse("admin:accounts_account_change", args=[account.pk]), form).status_code


def group(name: str) -> int:
    from django.contrib.auth.models import Group

    return Group.objects.get(name=name).pk


def roles(account: Account) -> set[str]:
    return {each.name for each in account.groups.all()}


@pytest.mark.parametrize("role", ROLES)
def test_an_owner_makes_somebody_staff_in_any_role(alice: Customer, role: str) -> None:
    account = Account.objects.get(pk=alice.id)
    assert save(member("owner"), account, is_staff="on", groups=[group(role)]) == 302
    account.refresh_from_db()
    assert account.is_staff
    assert not account.is_superuser
    assert roles(account) == {role}


def test_an_owner_makes_no_superuser_and_gives_no_single_permissions(alice: Customer) -> None:
    account = Account.objects.get(pk=alice.id)
    save(member("owner"), account, is_staff="on", is_superuser="on", user_permissions=["1"])
    account.refresh_from_db()
    assert not account.is_superuser
    assert not account.user_permissions.exists()


@pytest.mark.parametrize("role", ["manager", "support"])
def test_nobody_else_makes_anybody_staff(alice: Customer, role: str) -> None:
    account = Account.objects.get(pk=alice.id)
    save(member(role), account, is_staff="on", groups=[group("fulfiller")])
    account.refresh_from_db()
    assert not account.is_staff
    assert roles(account) == set()


def test_who_hands_out_roles_gives_none_that_may_do_more_than_they(alice: Customer) -> None:
    from django.contrib.auth.models import Permission

    client = member("support")
    of(client).user_permissions.add(Permission.objects.get(codename="manage_staff"))
    account = Account.objects.get(pk=alice.id)
    assert save(client, account, is_staff="on", groups=[group("manager")]) == 200
    assert save(client, account, is_staff="on", groups=[group("fulfiller")]) == 302
    assert roles(account) == {"fulfiller"}
    assert save(client, of(member("manager"))) == 403


@pytest.mark.parametrize("role", ["manager", "support"])
@pytest.mark.parametrize("victim", ROLES)
def test_nobody_takes_over_an_account_of_staff(role: str, victim: str) -> None:
    client, account = member(role), of(member(victim))
    assert save(client, account, email="taken@over.example") == 403
    form = {"password1": NEW, "password2": NEW, "usable_password": "true"}
    assert client.post(reverse("admin:auth_user_password_change", args=[account.pk]), form).status_code == 403
    tick(client, "accounts_account", "suspend", account.pk)
    after = Account.objects.get(pk=account.pk)
    assert (after.email, after.password, after.is_active) == (account.email, account.password, True)


def test_a_suspended_owner_is_not_taken_over_either() -> None:
    account = of(member("owner"))
    Account.objects.filter(pk=account.pk).update(is_active=False)
    assert save(member("manager"), account) == 403


def test_an_owner_changes_a_colleague_and_no_superuser() -> None:
    client = member("owner")
    colleague = of(member("owner"))
    assert save(client, colleague, is_staff="on", name="Renamed", groups=[group("support")]) == 302
    assert roles(colleague) == {"support"}
    assert save(client, of(sign_in(is_staff=True, is_superuser=True))) == 403


def test_nobody_changes_their_own_rights() -> None:
    client = member("owner")
    assert save(client, of(client), groups=[], is_active="", name="Me") == 302
    assert roles(of(client)) == {"owner"}
    assert of(client).is_active


def test_roles_are_no_groups_to_change_and_own_groups_are() -> None:
    from django.contrib.auth.models import Group, Permission

    client = member("owner")
    address = reverse("admin:auth_group_change", args=[group("support")])
    assert client.post(address, {"name": "support", "permissions": []}).status_code == 403
    assert client.get(reverse("admin:auth_group_delete", args=[group("support")])).status_code == 403
    permission = Permission.objects.get(codename="view_order").pk
    name = f"Night shift {Group.objects.count()}"
    assert client.post(reverse("admin:auth_group_add"), {"name": name, "permissions": [permission]}).status_code == 302
    beyond = Permission.objects.get(codename="add_session").pk
    address = reverse("admin:auth_group_change", args=[group(name)])
    assert client.post(address, {"name": name, "permissions": [beyond]}).status_code == 200
    assert client.post(address, {"name": name, "permissions": []}).status_code == 302


def test_the_last_owner_stays() -> None:
    owner = of(member("owner"))
    staff = Account.objects.filter(is_staff=True, is_active=True).exclude(pk=owner.pk)
    others = list(staff.values_list("pk", flat=True))
    with transaction.atomic():
        Account.objects.filter(pk__in=others).update(is_active=False)
        for change in ("is_active", "is_staff"):
            with pytest.raises(IntegrityError, match="make somebody else an owner first"), transaction.atomic():
                Account.objects.filter(pk=owner.pk).update(**{change: False})
        with pytest.raises(IntegrityError, match="make somebody else an owner first"), transaction.atomic():
            owner.groups.clear()
        Account.objects.filter(pk=owner.pk).update(name="The last one")
        Account.objects.filter(pk__in=others).update(is_active=True)


def test_the_page_of_staff_tells_role_and_second_factor() -> None:
    from allauth.mfa.models import Authenticator

    client = member("owner")
    secured = of(member("support"))
    Authenticator.objects.create(user=secured, type=Authenticator.Type.TOTP, data={"secret": "never shown"})
    page = client.get(reverse("staff_members"))
    shown = {row["email"]: row for row in page.context["members"]}
    assert "support" in shown[secured.email]["roles"][0]
    assert "on" in shown[secured.email]["second_factor"]
    assert "off" in shown[of(client).email]["second_factor"]
    assert "never shown" not in page.content.decode()


def test_the_page_of_staff_costs_the_same_however_many_there_are() -> None:
    client = member("owner")
    before = len(queries(client, reverse("staff_members")))
    for _ in range(5):
        member("fulfiller")
    assert len(queries(client, reverse("staff_members"))) == before
