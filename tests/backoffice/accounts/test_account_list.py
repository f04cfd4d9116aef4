"""The list of accounts: what it shows, how it is searched, and that its number of queries does not grow."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from tests.backoffice.browsers import press, staff_with
from tests.backoffice.test_lists import queries, shown
from tests.builders import place, settle
from tests.conftest import Customer
from tests.ledger.payment_staff import owner, wish
from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.backoffice.accounts import spending
from tradepost.engine.statuses import Status
from tradepost.ledger import operations, payments
from tradepost.ledger.models import PaymentKind

LIST = "accounts_account"


def row(client: Client, customer: Customer) -> dict[str, object]:
    """Return the account's cells in the list, by column."""
    cl = client.get(reverse(f"admin:{LIST}_changelist"), {"q": customer.email}).context["cl"]
    [account] = cl.result_list
    admin = cl.model_admin
    amounts = {name: strip_tags(getattr(admin, name)(account)) for name in ("balance", "spent", "spent_recently")}
    return {**amounts, "orders": admin.orders(account), "last_order": admin.last_order(account)}


def test_a_row_tells_what_was_spent_after_refunds(staff: Client, alice: Customer, service: int) -> None:
    first, second = place(alice.id, service, times=2, quantity="1000")
    settle(first, status=Status.PARTIAL, remains=500)
    settle(second, status=Status.CANCELED)
    operations.top_up(alice.id, Decimal(7), actor="test")
    shown = row(staff, alice)
    assert (shown["balance"], shown["spent"], shown["spent_recently"]) == ("$106.55", "$0.45", "$0.45")
    assert shown["orders"] == "2"
    assert ">2</a>" in staff.get(reverse(f"admin:{LIST}_changelist"), {"q": alice.email}).content.decode()
    assert shown["last_order"] != "–"


def test_who_has_done_nothing_has_spent_nothing(staff: Client, make_customer: Callable[..., Customer]) -> None:
    shown = row(staff, make_customer("0"))
    assert (shown["balance"], shown["spent"], shown["spent_recently"], shown["last_order"]) == (
        "$0.00",
        "$0.00",
        "$0.00",
        "–",
    )


def test_corrections_are_not_spent(
    staff: Client, alice: Customer, service: int, connection: psycopg.Connection
) -> None:
    from tradepost.engine import ledger
    from tradepost.engine.ledger import SystemAccount, TransferKind

    place(alice.id, service, quantity="1000")
    for amount in (Decimal(-5), Decimal(3)):
        ledger.pay(connection, alice.id, amount, SystemAccount.ADJUSTMENTS, TransferKind.ADJUSTMENT, actor="test")
    connection.commit()
    assert row(staff, alice)["spent"] == "$0.90"


def test_what_was_spent_of_late_begins_at_a_transfer(
    alice: Customer, service: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tradepost.ledger.models import Transfer

    place(alice.id, service, times=2, quantity="1000")
    operations.top_up(alice.id, Decimal(10), actor="test")
    [late] = place(alice.id, service, quantity="2000")
    first_late = Transfer.objects.get(order=late).pk
    for first, spent in ((0, "3.6"), (first_late - 1, "1.8"), (first_late, "1.8"), (first_late + 1, "0")):
        monkeypatch.setattr(spending, "first_id_since", lambda *_, first=first: first)
        found = spending.spending_by_account([alice.id])[alice.id]
        assert (found.spent, found.spent_recently) == (Decimal("3.6"), Decimal(spent)), first


def test_orders_are_counted_so_far(alice: Customer, service: int) -> None:
    place(alice.id, service, times=3)
    assert spending.spending_by_account([alice.id])[alice.id].orders_shown == "3"
    assert (
        spending.AccountSpending(Decimal(0), Decimal(0), spending.COUNTED_MAX + 1, None, None).orders_shown == "1,000+"
    )


@pytest.mark.parametrize("what", ["last_login", "key", "session"])
def test_last_seen_is_the_latest_of_all_signs_of_life(alice: Customer, what: str) -> None:
    from allauth.usersessions.models import UserSession

    at = timezone.now() + timedelta(minutes=5)
    if what == "last_login":
        Account.objects.filter(pk=alice.id).update(last_login=at)
    elif what == "key":
        Key.objects.filter(account=alice.id).update(last_used_at=at)
    else:
        account = Account.objects.get(pk=alice.id)
        UserSession.objects.create(user=account, ip="127.0.0.1", session_key=f"s{alice.id}", last_seen_at=at)
    assert spending.spending_by_account([alice.id])[alice.id].seen_at == at


def test_an_account_is_found_by_address_name_id_and_how_its_key_begins(staff: Client, alice: Customer) -> None:
    Account.objects.filter(pk=alice.id).update(name="Alice Liddell")
    prefix = Key.objects.get(account=alice.id).prefix
    for term in (alice.email.upper(), alice.email[:-8], "lice lidd", str(alice.id), prefix, f"{prefix}…"):
        assert alice.id in shown(staff, LIST, q=term), term
    assert shown(staff, LIST, q="9" * 30) == []


def test_a_test_keys_beginning_leads_to_the_person(staff: Client, alice: Customer) -> None:
    text = keys.create(Account.objects.get(pk=alice.id), test=True)
    assert shown(staff, LIST, q=text[:12]) == [alice.id]


def test_a_whole_key_is_found_by_post_and_its_account_opened(staff: Client, alice: Customer) -> None:
    button = reverse(f"admin:{LIST}_find_by_key")
    assert button in staff.get(reverse(f"admin:{LIST}_changelist")).content.decode()
    response = staff.post(button, {"_form_submitted": "on", "key": f" {alice.key}\n"})
    assert response.headers["HX-Redirect"] == reverse(f"admin:{LIST}_change", args=[alice.id])
    test = keys.create(Account.objects.get(pk=alice.id), test=True)
    response = staff.post(button, {"_form_submitted": "on", "key": test})
    assert response.headers["HX-Redirect"] == reverse(f"admin:{LIST}_change", args=[alice.id])
    keys.revoke(Key.objects.get(digest=alice.digest).pk)
    response = staff.post(button, {"_form_submitted": "on", "key": alice.key})
    assert "is revoked" in staff.get(response.headers["HX-Redirect"]).content.decode()
    response = staff.post(button, {"_form_submitted": "on", "key": "tp_live_no"})
    assert "There is no such key." in staff.get(response.headers["HX-Redirect"]).content.decode()


def test_a_whole_key_in_the_search_is_dropped_from_the_address(staff: Client, alice: Customer) -> None:
    response = staff.get(reverse(f"admin:{LIST}_changelist"), {"q": alice.key})
    assert response.headers["Location"] == reverse(f"admin:{LIST}_changelist")
    page = staff.get(response.headers["Location"]).content.decode()
    assert "belong into an address" in page
    assert alice.key not in page


def test_charlie_finds_nobody_by_key(charlie: Client, alice: Customer) -> None:
    form = {"_form_submitted": "on", "key": alice.key}
    assert charlie.post(reverse(f"admin:{LIST}_find_by_key"), form).status_code == 403


def test_accounts_are_filtered_by_what_they_have(
    staff: Client, make_customer: Callable[..., Customer], service: int
) -> None:
    rich, poor, owing = make_customer("5"), make_customer("0"), make_customer("0")
    payments.make(owner(), wish(owing, "10", PaymentKind.CREDIT))
    place(owing.id, service)
    found = {money: shown(staff, LIST, money=money) for money in ("some", "none", "debt", "credit")}
    mine = {rich.id, poor.id, owing.id}
    assert mine & set(found["some"]) == {rich.id}
    assert mine & set(found["none"]) == {poor.id, owing.id}
    assert mine & set(found["debt"]) == mine & set(found["credit"]) == {owing.id}


def test_accounts_are_filtered_by_how_long_nobody_saw_them(
    staff: Client, make_customer: Callable[..., Customer], service: int
) -> None:
    def aged() -> Customer:
        customer = make_customer("5")
        Account.objects.filter(pk=customer.id).update(
            created_at=Now() - timedelta(days=100), last_login=Now() - timedelta(days=50)
        )
        return customer

    away, uses_key, signs_in, orders = aged(), aged(), aged(), aged()
    Key.objects.filter(account=uses_key.id).update(last_used_at=Now())
    Account.objects.filter(pk=signs_in.id).update(last_login=Now())
    place(orders.id, service)
    mine = {each.id for each in (away, uses_key, signs_in, orders)}
    assert mine & set(shown(staff, LIST, inactive=30)) == {away.id}
    assert mine & set(shown(staff, LIST, inactive=90)) == set()
    assert mine <= set(shown(staff, LIST, inactive="nonsense"))


@pytest.mark.usefixtures("one_day")
def test_accounts_are_filtered_by_state_and_rank_and_when_they_joined(staff: Client, alice: Customer) -> None:
    today = f"{timezone.now():%Y-%m-%d}"
    assert shown(staff, LIST, q=alice.email, is_active__exact=1, is_staff__exact=0, created_at_from=today) == [alice.id]
    Account.objects.filter(pk=alice.id).update(is_active=False)
    assert shown(staff, LIST, q=alice.email, is_active__exact=1) == []
    assert shown(staff, LIST, q=alice.email, is_active__exact=0, created_at_to="2020-01-01") == []


def test_the_accounts_page_asks_as_often_whatever_there_is_to_show(
    staff: Client, alice: Customer, service: int
) -> None:
    address = reverse(f"admin:{LIST}_change", args=[alice.id])
    place(alice.id, service)
    press(staff, "write_note", alice.id, text="One")
    few = queries(staff, address)
    place(alice.id, service, times=8)
    for number in range(8):
        press(staff, "write_note", alice.id, text=f"More {number}", is_pinned="on")
        press(staff, "limit_credit", alice.id, form_token=uuid4(), limit=str(number), reason="more")
        press(staff, "pay", alice.id, kind="top-up", amount="1", reason="more", name=f"{number:032d}"[:31] + "a")
        keys.create(Account.objects.get(pk=alice.id))
    many = queries(staff, address)
    assert len(many) <= len(few) + 1  # one more: the page now has an event to show
    assert len(few) <= 40


def test_each_part_of_the_accounts_page_is_for_who_may_see_its_list(alice: Customer, service: int) -> None:
    place(alice.id, service)
    page = staff_with("accounts.view_account").get(reverse(f"admin:{LIST}_change", args=[alice.id])).content.decode()
    assert "Last orders" not in page
    assert "Last transactions" not in page
    client = staff_with("accounts.view_account", "orders.view_order", "ledger.view_transfer")
    page = client.get(reverse(f"admin:{LIST}_change", args=[alice.id])).content.decode()
    assert "Last orders" in page
    assert "Last transactions" in page
