"""The door of the back office: networks, a second factor, short sessions, and a fresh sign-in for what matters."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group
from django.test import Client, override_settings
from django.urls import reverse

from tests.authenticator_app import shown_code
from tests.backoffice.accounts.test_accounts import tick
from tests.backoffice.browsers import me, member, press, signed_in
from tests.backoffice.orders.test_bulk_actions import choose, page
from tests.builders import make_provider, place, settle
from tests.conftest import Customer
from tests.ledger.payment_staff import payer, wish
from tradepost.accounts import creation, keys
from tradepost.accounts.models import Account, Impersonation, Key
from tradepost.accounts.staff_sign_in import FRESH_MINUTES
from tradepost.engine.statuses import Status
from tradepost.ledger import payments
from tradepost.ledger.models import DeliveredRefund, LedgerAccount, ManualPayment
from tradepost.orders.bulk_action_types import BulkActionState
from tradepost.orders.models import BulkAction

PASSWORD = "correct horse battery"
INDEX = "/admin/"
STALE_SECONDS = FRESH_MINUTES * 60 + 5
TEMPLATES = Path(__file__).parent.parent.parent / "src" / "tradepost"


@pytest.fixture
def required() -> Iterator[None]:
    """Staff needs a second factor, as on a desk with https."""
    with override_settings(TRADEPOST_STAFF_SECOND_FACTOR=True):
        yield


def is_in(client: Client, address: str = INDEX) -> bool:
    return client.get(address).status_code == 200


def shift(client: Client, *, since: float = 0, seen: float = 0) -> None:
    """Move the times of a session into the past, by seconds."""
    session = client.session
    session["staff_since"] -= since
    session["staff_seen"] -= seen
    session.save()


# Networks


@pytest.mark.parametrize(
    ("networks", "address", "opens"),
    [
        ("203.0.113.0/24", "203.0.113.9", True),
        ("203.0.113.0/24", "203.0.114.9", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.9", False),
        ("203.0.113.0/24 2001:db8::/32", "2001:db8::1", True),
        ("203.0.113.0/24", "", False),
    ],
)
def test_the_back_office_opens_for_the_networks_that_may(networks: str, address: str, *, opens: bool) -> None:
    client = member("owner")
    with override_settings(TRADEPOST_ADMIN_NETWORKS=tuple(map(ip_network, networks.split()))):
        for path in (INDEX, "/admin", reverse("admin:login"), reverse("admin:accounts_account_changelist")):
            for asked in (client, Client()):
                status = asked.get(path, REMOTE_ADDR=address).status_code
                assert (status != 404) is opens, path
        assert client.get("/dashboard/", REMOTE_ADDR=address or "127.0.0.1").status_code == 200


def test_a_header_of_the_client_is_no_address() -> None:
    with override_settings(TRADEPOST_ADMIN_NETWORKS=(ip_network("203.0.113.0/24"),)):
        headers = {"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "forwarded": "for=203.0.113.9"}
        assert member("owner").get(INDEX, headers=headers, REMOTE_ADDR="192.0.2.1").status_code == 404


# Second factor


@pytest.mark.usefixtures("required")
@pytest.mark.parametrize("kind", ["", "recovery_codes"])
def test_staff_without_a_second_factor_is_led_to_set_one_up(kind: str) -> None:
    client = member("owner")
    if kind:
        Authenticator.objects.create(user=me(client), type=kind, data={"seed": "seed", "used_mask": 0})
    page = reverse("admin:accounts_account_changelist")
    response = client.get(page, follow=True)
    assert response.redirect_chain[-1][0] == reverse("mfa_index")
    assert "a stolen password would open it to strangers" in response.content.decode()
    assert client.post(reverse("admin:auth_group_add"), {"name": "x"}).headers["Location"] == reverse("mfa_index")
    assert not Group.objects.filter(name="x").exists()


@pytest.mark.usefixtures("required")
def test_who_has_set_a_second_factor_up_gets_back_to_the_page_they_wanted() -> None:
    account = creation.create(f"setup{uuid4().hex}@door.example", PASSWORD, role="manager")
    client = Client()
    client.post(reverse("account_login"), {"login": account.email, "password": PASSWORD})
    page = reverse("admin:accounts_account_changelist")
    client.get(page)
    asking = client.get(reverse("mfa_activate_totp"), follow=True)
    if asking.redirect_chain:
        client.post(asking.redirect_chain[-1][0], {"password": PASSWORD})
    form = client.get(reverse("mfa_activate_totp")).context["form"]
    done = client.post(reverse("mfa_activate_totp"), {"code": shown_code(form.secret)}, follow=True)
    assert f'href="{page}"' in done.content.decode()
    assert is_in(client, page)


@pytest.mark.usefixtures("required")
def test_a_session_that_has_shown_a_password_only_shows_the_second_factor_first() -> None:
    client = member("owner")
    secret = generate_totp_secret()
    TOTP.activate(me(client), secret)
    asked = client.get(INDEX, follow=True)
    assert asked.redirect_chain[-1][0] == f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2F"
    assert client.post(asked.redirect_chain[-1][0], {"code": shown_code(secret)}).headers["Location"] == INDEX
    assert is_in(client)


@pytest.mark.usefixtures("required")
def test_a_passkey_is_a_second_factor_and_its_own_page_asks_for_it() -> None:
    client = member("owner")
    Authenticator.objects.create(user=me(client), type="webauthn", data={})
    assert client.get(INDEX).headers["Location"].startswith(reverse("mfa_reauthenticate_webauthn"))


@pytest.mark.usefixtures("required")
def test_customers_and_the_panel_need_no_second_factor(alice: Customer) -> None:
    client = Client()
    client.force_login(Account.objects.get(pk=alice.id))
    assert client.get("/dashboard/").status_code == 200
    assert member("owner").get("/dashboard/").status_code == 200


def test_no_second_factor_is_needed_where_it_is_optional() -> None:
    assert is_in(member("owner"))


# Sessions


@pytest.mark.parametrize(
    ("times", "goes_on"),
    [
        ({"since": 11.9 * 3600}, True),
        ({"since": 12.1 * 3600}, False),
        ({"seen": 59 * 60}, True),
        ({"seen": 61 * 60}, False),
    ],
)
def test_a_session_of_staff_ends_by_its_age_and_when_nothing_is_done(times: dict[str, float], *, goes_on: bool) -> None:
    client = member("owner")
    shift(client, **times)
    response = client.get(INDEX)
    assert (response.status_code == 200) is goes_on
    if not goes_on:
        assert response.headers["Location"] == f"{reverse('account_login')}?next=%2Fadmin%2F"
        assert "_auth_user_id" not in client.session
        assert not is_in(client)


def test_a_customers_session_goes_on(alice: Customer) -> None:
    client = Client()
    client.force_login(Account.objects.get(pk=alice.id))
    shift(client, since=13 * 86_400, seen=13 * 86_400)
    assert client.get("/dashboard/").status_code == 200


def test_who_becomes_staff_is_held_to_it_at_once(alice: Customer) -> None:
    client = Client()
    account = Account.objects.get(pk=alice.id)
    client.force_login(account)
    shift(client, since=86_400)
    Account.objects.filter(pk=alice.id).update(is_staff=True)
    assert client.get("/dashboard/").status_code == 302


def test_a_page_that_refreshes_itself_keeps_no_session_alive() -> None:
    client = member("owner")
    shift(client, seen=50 * 60)
    before = client.session["staff_seen"]
    assert client.get(INDEX, headers={"tradepost-refresh": "1", "hx-request": "true"}).status_code == 200
    assert client.session["staff_seen"] == before
    client.get(INDEX)
    assert client.session["staff_seen"] > before


def test_every_page_that_refreshes_itself_says_so() -> None:
    refreshing = [path for path in TEMPLATES.rglob("*.html") if re.search(r'hx-trigger="[^"]*every ', path.read_text())]
    assert len(refreshing) >= 7
    for path in refreshing:
        text = path.read_text()
        assert text.count('hx-trigger="') >= 1
        assert """hx-headers='{"Tradepost-Refresh": "1"}'""" in text, path


def test_a_login_as_a_customer_lasts_no_longer_than_staffs_session(alice: Customer) -> None:
    client = member("support")
    press(client, "log_in_as", alice.id, reason="to see", user_pk=alice.id)
    assert client.get("/dashboard/").status_code == 200
    shift(client, seen=61 * 60)
    assert client.get("/dashboard/").status_code == 302
    assert Impersonation.objects.get(account=alice.id).ended_at


def test_going_back_from_a_customer_neither_lengthens_the_session_nor_asks_again(alice: Customer) -> None:
    client = member("support")
    shift(client, since=3600)
    since = client.session["staff_since"]
    press(client, "log_in_as", alice.id, reason="to see", user_pk=alice.id)
    assert client.session["staff_since"] == since
    assert "account_authentication_methods" not in client.session
    client.post(reverse("panel:end_acting"))
    assert client.session["staff_since"] == since
    assert client.get(reverse("admin:accounts_account_mail_reset", args=[alice.id])).status_code == 200


# A fresh sign-in

ACCOUNT_BUTTONS = (
    "log_in_as", "pay", "limit_credit", "suspend_one", "end_sessions", "mail_reset", "change_address", "confirm_email",
    "second_factor_off", "activate_one",
)  # fmt: skip


def stale(client: Client) -> Client:
    signed_in(client, me(client), seconds_ago=STALE_SECONDS)
    return client


def fits(account: Account, button: str) -> None:
    """Bring an account into the state that a button requires."""
    Account.objects.filter(pk=account.pk).update(is_active=button != "activate_one")
    if button == "second_factor_off":
        Authenticator.objects.get_or_create(user=account, type="totp", defaults={"data": {}})


@pytest.mark.parametrize("button", ACCOUNT_BUTTONS)
def test_a_dialog_about_credentials_or_money_asks_before_it_opens(alice: Customer, button: str) -> None:
    fits(Account.objects.get(pk=alice.id), button)
    client = member("owner")
    address = reverse(f"admin:accounts_account_{button}", args=[alice.id])
    assert client.get(address).status_code == 200
    page = reverse("admin:accounts_account_change", args=[alice.id])
    headers = {"hx-request": "true", "hx-current-url": f"http://testserver{page}"}
    response = stale(client).get(address, headers=headers)
    asks = f"{reverse('account_reauthenticate')}?next={page.replace('/', '%2F')}"
    assert response.headers["HX-Redirect"] == asks


@pytest.mark.parametrize("button", ACCOUNT_BUTTONS)
def test_a_dialog_that_is_sent_too_late_does_nothing_and_keeps_what_was_typed(alice: Customer, button: str) -> None:
    fits(Account.objects.get(pk=alice.id), button)
    client = stale(member("owner"))
    before = Account.objects.values().get(pk=alice.id)
    fields: dict[str, Any] = {
        "reason": "typed with care", "user_pk": alice.id, "form_token": uuid4(), "kind": "top-up", "amount": "5",
        "limit": "5", "email": "late@door.example",
    }  # fmt: skip
    response = press(client, button, alice.id, **fields)
    assert response.status_code == 200
    assert "HX-Redirect" not in response.headers
    page = response.content.decode()
    assert "typed with care" in page
    assert reverse("account_reauthenticate") in page
    assert Account.objects.values().get(pk=alice.id) == before
    assert not ManualPayment.objects.filter(account=alice.id).exists()
    assert not Impersonation.objects.filter(account=alice.id).exists()
    assert LedgerAccount.objects.get(account=alice.id).credit_limit == 0


@pytest.mark.parametrize("button", ["rename", "limit", "revoke"])
def test_a_key_takes_a_fresh_sign_in(alice: Customer, button: str) -> None:
    key = Key.objects.get(account=alice.id)
    address = reverse(f"admin:accounts_key_{button}", args=[key.pk])
    client = stale(member("owner"))
    assert client.get(address).headers["Location"].startswith(reverse("account_reauthenticate"))
    client.post(address, {"_form_submitted": "on", "name": "x", "requests_a_minute": "1"})
    after = Key.objects.get(pk=key.pk)
    assert (after.name, after.requests_a_minute, after.revoked_at) == (key.name, None, None)


@pytest.mark.parametrize("button", ["as_customer", "refund_delivered"])
def test_an_order_is_no_way_around_it(alice: Customer, service: int, button: str) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.COMPLETED)
    client = stale(member("owner"))
    address = reverse(f"admin:orders_order_{button}", args=[order])
    assert client.get(address).headers["Location"].startswith(reverse("account_reauthenticate"))
    client.post(address, {"_form_submitted": "on", "reason": "why", "user_pk": alice.id, "amount": "0.01"})
    assert not Impersonation.objects.filter(account=alice.id).exists()
    assert not DeliveredRefund.objects.filter(order=order).exists()
    assert me(client).is_staff


def test_a_bulk_refund_of_delivered_orders_is_no_way_around_it(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.COMPLETED)
    client = member("owner")
    action = choose(client, "cancel", order)
    address, typed = page(action), {"with_delivered": "on", "reason": "wrong country"}
    stale(client)
    assert client.get(address).status_code == 200  # nothing delivered is refunded
    asked = client.get(address, typed).headers["Location"]
    assert asked.startswith(reverse("account_reauthenticate"))
    assert "wrong%2Bcountry" in asked  # it leads back to what was typed
    assert client.post(address, typed).headers["Location"].startswith(reverse("account_reauthenticate"))
    assert not DeliveredRefund.objects.filter(order=order).exists()
    assert BulkAction.objects.get(pk=action.pk).state == BulkActionState.DRAFT


@pytest.mark.parametrize("button", ["approve", "reject"])
def test_a_decision_on_a_payment_takes_a_fresh_sign_in(alice: Customer, button: str) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    address = reverse(f"admin:ledger_manualpayment_{button}", args=[payment.pk])
    client = stale(member("owner"))
    assert client.get(address).headers["Location"].startswith(reverse("account_reauthenticate"))
    client.post(address, {"_form_submitted": "on", "reason": "why"})
    assert ManualPayment.objects.get(pk=payment.pk).state == "requested"


@pytest.mark.parametrize(
    ("name", "action"),
    [("accounts_account", "suspend"), ("accounts_account", "activate"), ("accounts_key", "revoke_ticked")],
)
def test_ticked_rows_take_a_fresh_sign_in_too(alice: Customer, name: str, action: str) -> None:
    Account.objects.filter(pk=alice.id).update(is_active=action != "activate")
    row = Key.objects.get(account=alice.id).pk if name == "accounts_key" else alice.id
    tick(stale(member("owner")), name, action, row, asked="yes", reason="why")
    assert Account.objects.get(pk=alice.id).is_active is (action != "activate")
    assert Key.objects.get(account=alice.id).revoked_at is None


def test_new_rights_take_a_fresh_sign_in_and_the_form_keeps_them(alice: Customer) -> None:
    client = stale(member("owner"))
    role = Group.objects.get(name="support").pk
    form = {"name": "Al", "is_staff": "on", "groups": [role], "keys-TOTAL_FORMS": "0", "keys-INITIAL_FORMS": "0"}
    address = reverse("admin:accounts_account_change", args=[alice.id])
    response = client.post(address, form)
    assert response.status_code == 200
    page = response.content.decode()
    assert reverse("account_reauthenticate") in page
    assert 'value="Al"' in page
    assert not Account.objects.get(pk=alice.id).is_staff
    harmless = {key: form[key] for key in ("name", "keys-TOTAL_FORMS", "keys-INITIAL_FORMS")}
    assert client.post(address, harmless).status_code == 302
    signed_in(client, me(client), seconds_ago=0)
    assert client.post(address, form).status_code == 302
    assert Account.objects.get(pk=alice.id).is_staff


@pytest.mark.parametrize("name", ["auth_group", "ledger_paymentlimit"])
def test_forms_of_roles_and_limits_ask_before_they_open(name: str) -> None:
    client = stale(member("owner"))
    address = reverse(f"admin:{name}_add")
    assert client.get(address).headers["Location"].startswith(reverse("account_reauthenticate"))
    before = Group.objects.count()
    response = client.post(address, {"name": "Late shift"})
    assert response.status_code == 200
    assert Group.objects.count() == before
    tick(client, name, "delete_selected", 0, post="yes")
    assert Group.objects.count() == before


@pytest.mark.parametrize("change", [{"key": "a-new-key"}, {"url": "http://127.0.0.1:10/other"}])
def test_a_providers_key_and_where_it_is_sent_take_a_fresh_sign_in(change: dict[str, str]) -> None:
    provider = make_provider()
    client = member("owner")
    page = reverse("admin:providers_provider_change", args=[provider.pk])
    form = {
        **{
            name: value
            for name, value in client.get(page).context["adminform"].form.initial.items()
            if value is not None
        },
        **change,
    }
    stale(client)
    assert is_in(client, page)
    response = client.post(page, form)
    assert response.status_code == 200
    assert reverse("account_reauthenticate") in response.content.decode()
    provider.refresh_from_db()
    assert (provider.key, provider.url) == (make_provider().key, "http://127.0.0.1:9/api/v2")


def test_signing_in_again_leads_back_and_opens_the_dialog(alice: Customer) -> None:
    account = creation.create(f"again{uuid4().hex}@door.example", PASSWORD, role="support")
    client = Client()
    client.post(reverse("account_login"), {"login": account.email, "password": PASSWORD})
    signed_in(client, account, seconds_ago=STALE_SECONDS)
    dialog = reverse("admin:accounts_account_mail_reset", args=[alice.id])
    asks = client.get(dialog).headers["Location"]
    assert client.post(asks, {"password": "wrong"}).status_code == 200
    assert client.get(dialog).status_code == 302
    assert client.post(asks, {"password": PASSWORD}).headers["Location"] == dialog
    assert client.get(dialog).status_code == 200


def test_a_page_of_another_host_is_not_led_back_to(alice: Customer) -> None:
    client = stale(member("owner"))
    headers = {"hx-request": "true", "hx-current-url": "https://evil.example/admin/"}
    response = client.get(reverse("admin:accounts_account_mail_reset", args=[alice.id]), headers=headers)
    assert "evil" not in response.headers["HX-Redirect"]


def test_a_session_of_somebody_else_is_no_fresh_sign_in(alice: Customer) -> None:
    client = member("owner")
    signed_in(client, me(member("owner")), seconds_ago=0)
    assert client.get(reverse("admin:accounts_account_mail_reset", args=[alice.id])).status_code == 302
    assert keys.owned_by(Account.objects.get(pk=alice.id)).exists()
