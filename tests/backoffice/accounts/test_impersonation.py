"""Impersonation: by whom, of whom, for how long, what is forbidden meanwhile, and what is recorded."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from tests.backoffice.browsers import me, press, sign_in, staff_with
from tests.builders import place, settle
from tests.conftest import Customer
from tradepost.accounts.models import Account, AccountEvent, Impersonation
from tradepost.database import in_transaction
from tradepost.engine import refilling
from tradepost.engine.statuses import Status
from tradepost.ledger.models import Transfer
from tradepost.orders.models import OrderEvent, Refill

IMPERSONATE = ("accounts.view_account", "accounts.impersonate_account")


def log_in_as(client: Client, account: int, reason: str = "sees no orders") -> Any:
    return press(client, "log_in_as", account, reason=reason, user_pk=account)


@pytest.fixture
def support(alice: Customer) -> Client:
    """The browser of a member of support who is logged in as Alice."""
    client = staff_with(*IMPERSONATE)
    assert log_in_as(client, alice.id).headers["HX-Redirect"] == reverse("panel:dashboard")
    return client


def row(alice: Customer) -> Impersonation:
    return Impersonation.objects.get(account=alice.id)


def test_support_sees_the_panel_as_the_customer_does_under_a_banner(support: Client, alice: Customer) -> None:
    page = support.get(reverse("panel:money")).content.decode()
    assert "100.00" in page
    assert f"You are signed in as <b>{alice.email}</b>" in page
    assert row(alice).staff.email in page
    assert reverse("panel:end_acting") in page


def test_it_is_written_down_who_as_whom_why_from_where_and_until_when(support: Client, alice: Customer) -> None:
    written = row(alice)
    assert (written.reason, written.address, written.ended_at) == ("sees no orders", "127.0.0.1", None)
    assert written.expires_at - written.started_at <= timedelta(hours=1)
    [event] = AccountEvent.objects.filter(account=alice.id)
    assert (event.kind, event.actor) == ("logged in as", written.staff.email)
    support.post(reverse("panel:end_acting"))
    assert row(alice).ended_at


def test_the_button_leads_back_to_the_back_office_as_oneself(support: Client, alice: Customer) -> None:
    response = support.post(reverse("panel:end_acting"))
    assert response.headers["Location"] == reverse("admin:accounts_account_change", args=[alice.id])
    assert support.get(response.headers["Location"]).status_code == 200
    assert me(support) == row(alice).staff
    assert "signed in as" not in support.get(reverse("panel:dashboard")).content.decode()
    assert support.post(reverse("panel:end_acting")).status_code == 403


def test_it_is_not_ended_by_a_link(support: Client, alice: Customer) -> None:
    assert support.get(reverse("panel:end_acting")).status_code == 405
    assert row(alice).ended_at is None


def test_signing_out_ends_it(support: Client, alice: Customer) -> None:
    support.post(reverse("account_logout"))
    assert row(alice).ended_at
    assert support.get(reverse("panel:dashboard")).status_code == 302


def test_the_customer_is_left_as_is(alice: Customer) -> None:
    account = Account.objects.get(pk=alice.id)
    own = Client()
    own.force_login(account)
    before = Account.objects.values().get(pk=alice.id)
    Authenticator.objects.create(user=account, type="totp", data={})
    client = staff_with(*IMPERSONATE)
    log_in_as(client, alice.id)
    assert client.get(reverse("panel:dashboard")).status_code == 200  # no second factor is required
    client.post(reverse("panel:end_acting"))
    assert Account.objects.values().get(pk=alice.id) == before
    assert own.get(reverse("panel:dashboard")).status_code == 200
    assert not UserSession.objects.filter(user=account).exists()
    assert Authenticator.objects.get(user=account).last_used_at is None


def test_what_is_done_is_signed_by_both(support: Client, alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(cancel=True)
    form = {"service": service, "link": "https://example.com/page", "quantity": "100"}
    support.post(reverse("panel:new_order"), form)
    support.post(reverse("panel:mass_order"), {"orders": f"{service} | https://example.com/2 | 100", "place": "yes"})
    account = Account.objects.get(pk=alice.id)
    first, second = account.orders.order_by("id")
    support.post(reverse("panel:cancel", args=[first.pk]))
    both = f"{row(alice).staff.email} as {alice.email}"
    assert set(Transfer.objects.filter(order__in=[first, second]).values_list("actor", flat=True)) == {both}
    assert OrderEvent.objects.filter(order=first).latest("id").actor == both
    own = Client()
    own.force_login(account)
    page = own.get(reverse("panel:order", args=[first.pk])).content.decode()
    assert row(alice).staff.email not in page


@pytest.mark.parametrize("from_the_list", [False, True])
def test_a_refill_is_signed_by_both_and_the_time_for_refills_stays_as_it_was(
    support: Client, alice: Customer, make_service: Callable[..., int], *, from_the_list: bool
) -> None:
    [order] = place(alice.id, make_service(refill=True, refill_days=30, refill_wait_hours=0))
    settle(order, status=Status.COMPLETED)
    before = completed_at(order)
    if from_the_list:
        support.post(reverse("panel:order_actions"), {"refill": order, "confirmed": "yes"})
    else:
        support.post(reverse("panel:refill", args=[order]))
    assert Refill.objects.get(order=order).account_id == alice.id
    event = OrderEvent.objects.filter(order=order).latest("id")
    assert (event.actor, event.note) == (f"{row(alice).staff.email} as {alice.email}", "Refill requested")
    assert event.from_status == event.to_status == "Completed"
    assert completed_at(order) == before
    own = Client()
    own.force_login(Account.objects.get(pk=alice.id))
    assert row(alice).staff.email not in own.get(reverse("panel:order", args=[order])).content.decode()


def test_a_customers_own_refill_needs_no_signature(alice: Customer, make_service: Callable[..., int]) -> None:
    [order] = place(alice.id, make_service(refill=True))
    settle(order, status=Status.COMPLETED)
    events = OrderEvent.objects.filter(order=order).count()
    own = Client()
    own.force_login(Account.objects.get(pk=alice.id))
    own.post(reverse("panel:refill", args=[order]))
    assert Refill.objects.filter(order=order).exists()
    assert OrderEvent.objects.filter(order=order).count() == events


def completed_at(order: int) -> datetime | None:
    """Return since when the engine counts the days in which the order may be refilled."""
    return in_transaction(lambda raw: refilling.look(raw, [order]))[order].completed_at


def routes_of(resolver: URLResolver, prefix: str) -> list[str]:
    """Return the routes below a resolver, with its prefix."""
    found: list[str] = []
    for each in resolver.url_patterns:
        below = f"{prefix}{resolver.pattern}"
        found += routes_of(each, below) if isinstance(each, URLResolver) else [f"{below}{each.pattern}"]
    return found


def addresses_of_the_customers_own() -> list[str]:
    """Return the URLs of allauth that take no arguments, except signing out."""
    resolvers = [each for each in get_resolver().url_patterns if isinstance(each, URLResolver)]
    own = [each for each in resolvers if str(each.pattern).startswith("account/")]
    routes = [address for each in own for address in routes_of(each, "/")]
    return [each for each in routes if "<" not in each and "^" not in each and each != reverse("account_logout")]


def test_what_is_only_the_customers_is_forbidden_with_a_sentence(support: Client, alice: Customer) -> None:
    named = ("account_change_password", "account_email", "mfa_activate_totp", "mfa_index", "usersessions_list")
    for address in {*addresses_of_the_customers_own(), *map(reverse, named)}:
        for ask in (support.get, support.post):
            response = ask(address)
            assert (response.status_code, "Only customers can change" in response.content.decode()) == (403, True), (
                address
            )
    assert EmailAddress.objects.filter(user=alice.id).count() == 0


def test_keys_are_made_and_revoked_by_the_customer_alone(support: Client, alice: Customer) -> None:
    account = Account.objects.get(pk=alice.id)
    [key] = account.keys.all()
    assert support.get(reverse("panel:keys")).status_code == 200
    assert support.post(reverse("panel:keys"), {"scope": "order"}).status_code == 403
    assert support.post(reverse("panel:revoke_key", args=[key.pk])).status_code == 403
    assert account.keys.filter(revoked_at=None).count() == 1


def test_the_back_office_is_closed_meanwhile(support: Client) -> None:
    response = support.get(reverse("admin:index"))
    assert response.status_code in {302, 403}


def test_after_an_hour_it_is_over(support: Client, alice: Customer) -> None:
    with without_trigger():
        Impersonation.objects.filter(account=alice.id).update(expires_at=F("started_at"))
    response = support.get(reverse("panel:dashboard"))
    assert response.headers["Location"] == reverse("account_login")
    assert row(alice).ended_at == row(alice).expires_at
    assert support.get(reverse("panel:dashboard")).status_code == 302


class without_trigger:  # noqa: N801 - used like a function
    """Turns off a trigger that stops a forbidden change, for the time of a with block."""

    def __enter__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_impersonation DISABLE TRIGGER refuse_update")

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_impersonation ENABLE TRIGGER refuse_update")


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}, {}])
def test_whoever_loses_the_right_is_out_at_once(support: Client, alice: Customer, change: dict[str, bool]) -> None:
    staff = row(alice).staff
    if change:
        Account.objects.filter(pk=staff.pk).update(**change)
    else:
        staff.user_permissions.clear()
    assert support.get(reverse("panel:dashboard")).headers["Location"] == reverse("account_login")
    assert row(alice).ended_at


def test_a_customer_who_is_suspended_meanwhile_is_nobody_to_be(support: Client, alice: Customer) -> None:
    Account.objects.filter(pk=alice.id).update(is_active=False)
    assert support.get(reverse("panel:dashboard")).headers["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("fields", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}])
def test_nobody_logs_in_as_staff_or_as_whoever_is_suspended(fields: dict[str, bool]) -> None:
    other = me(sign_in(**fields))
    for client in (staff_with(*IMPERSONATE), sign_in(is_staff=True, is_superuser=True)):
        page = client.get(reverse("admin:accounts_account_change", args=[other.pk])).content.decode()
        assert "log_in_as" not in page
        assert log_in_as(client, other.pk).status_code == 403
    assert not Impersonation.objects.filter(account=other).exists()


@pytest.mark.parametrize("permissions", [(), ("accounts.view_account", "accounts.change_account")])
def test_who_may_not_log_in_as_anybody_does_not(alice: Customer, permissions: tuple[str, ...]) -> None:
    client = staff_with(*permissions)
    assert log_in_as(client, alice.id).status_code == 403
    assert not Impersonation.objects.filter(account=alice.id).exists()


def test_a_reason_has_to_be_given_and_the_account_is_the_pages(alice: Customer, bob: Customer) -> None:
    client = staff_with(*IMPERSONATE)
    assert "HX-Redirect" not in log_in_as(client, alice.id, reason="").headers
    assert "HX-Redirect" not in press(client, "log_in_as", alice.id, reason="why", user_pk=bob.id).headers
    assert not Impersonation.objects.filter(account__in=[alice.id, bob.id]).exists()


@pytest.mark.usefixtures("support")
@pytest.mark.parametrize(
    "change", ["reason = 'another'", "expires_at = now()", "staff_id = account_id", "ended_at = NULL"]
)
def test_what_was_written_down_stays(alice: Customer, change: str) -> None:
    Impersonation.objects.filter(account=alice.id).update(ended_at=F("expires_at"))
    raw = connection.connection
    for statement in (
        f"UPDATE accounts_impersonation SET {change} WHERE account_id = %s",
        "DELETE FROM accounts_impersonation WHERE account_id = %s",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation):
            raw.execute(statement, [alice.id])


@pytest.mark.usefixtures("support")
def test_the_list_of_logins_tells_who_was_whom(staff: Client, charlie: Client, alice: Customer) -> None:
    address = reverse("admin:accounts_impersonation_changelist")
    page = staff.get(address, {"q": alice.email}).content.decode()
    for part in (str(row(alice).staff.email), alice.email, "sees no orders", "goes on"):
        assert part in page
    assert staff.get(reverse("admin:accounts_impersonation_change", args=[row(alice).pk])).status_code == 200
    assert charlie.get(address).status_code == 403


def test_an_order_of_the_customers_own_is_signed_as_ever(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    assert Transfer.objects.get(order=order).actor == "web"
