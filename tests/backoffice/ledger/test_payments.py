"""Payments by hand and credit limits, as staff make and decide them on pages."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import browser_of, me, member, press, sign_in, staff_with, told
from tests.backoffice.test_lists import queries, shown
from tests.conftest import Customer
from tests.ledger.payment_staff import approver, owner, payer, wish
from tradepost.accounts.models import AccountEvent
from tradepost.ledger import payments
from tradepost.ledger.models import LedgerAccount, ManualPayment, PaymentKind, PaymentLimit


def pay(client: Client, account: int, amount: str, kind: str = "top-up", **fields: Any) -> Any:
    form = {"kind": kind, "amount": amount, "reason": "paid by bank", "reference": "TR-7", "form_token": str(uuid4())}
    return press(client, "pay", account, **{**form, **fields})


def limit_credit(client: Client, account: int, limit: str, reason: str = "why") -> Any:
    return press(client, "limit_credit", account, form_token=str(uuid4()), limit=limit, reason=reason)


def decide(client: Client, button: str, payment: ManualPayment, **fields: Any) -> Any:
    address = reverse(f"admin:ledger_manualpayment_{button}", args=[payment.pk])
    return client.post(address, {"_form_submitted": "on", **fields})


def balance(account: int) -> Decimal | None:
    return LedgerAccount.objects.get(account=account).balance


def test_the_form_says_before_it_is_filled_in_how_much_one_may_pay(alice: Customer) -> None:
    address = reverse("admin:accounts_account_pay", args=[alice.id])
    without = member("support")
    page = without.get(address).content.decode()
    assert "Your role has no limit for payments yet" in page
    assert 'name="amount"' not in page
    refused = press(without, "pay", alice.id, form_token=str(uuid4()), kind="top-up", amount="1", reason="Paid")
    assert "HX-Redirect" not in refused.headers
    from django.contrib.auth.models import Group

    group = Group.objects.create(name=f"says {alice.id}")
    PaymentLimit.objects.create(group=group, per_payment=25, per_day=100, approval_above=10)
    me(without).groups.add(group)
    page = " ".join(without.get(address).content.decode().split())
    assert "may pay $25.00 at once, and $100.00 more today. Above $10.00, a second person approves" in " ".join(
        strip_tags(page).split()
    )
    assert 'name="amount"' in page


def test_a_top_up_is_in_the_balance_and_in_the_customers_statement(staff: Client, alice: Customer) -> None:
    response = pay(staff, alice.id, "25.5", reason="secret reason")
    assert "Top-up of $25.50: the balance is $125.50" in told(staff, response)
    from tests.panel.conftest import browser

    statement = browser(alice).get(reverse("panel:money")).content.decode()
    assert "TR-7" in statement
    assert "secret reason" not in statement
    page = staff.get(reverse("admin:accounts_account_change", args=[alice.id])).content.decode()
    assert "Manual payments" in page


def test_a_payment_above_what_one_may_alone_waits_shows_an_alert_and_is_approved(alice: Customer) -> None:
    maker, second = payer(), approver()
    client = browser_of(maker)
    assert "waits for a second" in told(client, pay(client, alice.id, "50"))
    payment = ManualPayment.objects.get(account=alice.id)
    assert balance(alice.id) == 100
    other = browser_of(second)
    overview = other.get(reverse("admin:index")).content.decode()
    assert "waiting for a second person" in overview
    assert payment.pk in shown(other, "ledger_manualpayment", state__exact="requested", q=alice.email)
    assert "HX-Redirect" in decide(other, "approve", payment).headers
    assert balance(alice.id) == 150
    assert decide(other, "approve", payment).status_code == 403
    assert decide(other, "reject", payment, reason="no").status_code == 403


def test_who_asked_approves_nothing_and_may_take_their_wish_back(alice: Customer) -> None:
    maker = payer()
    client = browser_of(maker)
    pay(client, alice.id, "50")
    payment = ManualPayment.objects.get(account=alice.id)
    assert decide(client, "approve", payment).status_code == 403
    decide(client, "reject", payment, reason="a slip")
    payment.refresh_from_db()
    assert (payment.state, payment.decision_reason, balance(alice.id)) == ("rejected", "a slip", Decimal(100))


@pytest.mark.parametrize(
    ("amount", "kind", "why"),
    [
        ("100.01", "top-up", "Your role may pay $100.00 at once."),
        ("-5", "top-up", "Only a correction"),
        ("0", "correction", "Only a correction"),
        ("0.000001", "top-up", "5 decimal places"),
        ("NaN", "top-up", "Enter a number"),
        ("1e30", "top-up", "digits"),
    ],
)
def test_why_an_amount_is_not_paid_is_said_at_it(alice: Customer, amount: str, kind: str, why: str) -> None:
    response = pay(browser_of(payer()), alice.id, amount, kind)
    assert why in str(response.context["form"].errors["amount"])
    assert not ManualPayment.objects.filter(account=alice.id).exists()


def test_what_the_balance_does_not_hold_is_said(staff: Client, alice: Customer) -> None:
    assert "only $100.00 to take" in told(staff, pay(staff, alice.id, "-101", "correction"))
    assert balance(alice.id) == 100


def test_a_form_sent_twice_pays_once(staff: Client, alice: Customer) -> None:
    token = str(uuid4())
    for _ in range(2):
        pay(staff, alice.id, "10", form_token=token)
    assert balance(alice.id) == 110


@pytest.mark.usefixtures("one_day")
def test_a_form_sent_twice_is_told_twice_that_it_was_paid_though_nothing_more_may_be(alice: Customer) -> None:
    client, token = browser_of(payer("20", "20")), str(uuid4())
    for _ in range(2):
        assert "the balance is $120.00" in told(client, pay(client, alice.id, "20", form_token=token))
    assert "$0.00 is left today" in str(pay(client, alice.id, "20").context["form"].errors["amount"])
    assert "has made a top-up" in str(pay(client, alice.id, "19", form_token=token).context["form"].errors["amount"])
    assert balance(alice.id) == 120


def test_a_desk_without_payment_limits_is_told_what_that_means(staff: Client, alice: Customer) -> None:
    from django.db import transaction

    with transaction.atomic():
        PaymentLimit.objects.all().delete()
        page = staff.get(reverse("admin:ledger_paymentlimit_changelist")).content.decode()
        maker = payer()
        PaymentLimit.objects.all().delete()
        errors = pay(browser_of(maker), alice.id, "5").context["form"].non_field_errors()
        transaction.set_rollback(True)
    assert "only owners can make manual payments" in page
    assert f'href="{reverse("admin:ledger_paymentlimit_add")}"' in page
    assert "under Payment limits" in str(errors)


def test_only_the_kinds_that_one_may_make_are_offered(alice: Customer) -> None:
    client = browser_of(payer(permissions="top_up_account"))
    form = client.get(reverse("admin:accounts_account_pay", args=[alice.id])).context["form"]
    assert [kind for kind, _ in form.fields["kind"].choices] == ["top-up"]
    assert pay(client, alice.id, "5", "bonus").context["form"].errors["kind"]


def test_a_mistake_is_taken_back_on_its_page_and_each_leads_to_the_other(staff: Client, alice: Customer) -> None:
    pay(staff, alice.id, "30")
    mistake = ManualPayment.objects.get(account=alice.id)
    decide(staff, "take_back", mistake, reason="wrong customer", form_token=str(uuid4()))
    back = mistake.corrections.get()
    assert (back.amount, balance(alice.id)) == (Decimal(-30), Decimal(100))
    for one, other in ((mistake, back), (back, mistake)):
        page = staff.get(reverse("admin:ledger_manualpayment_change", args=[one.pk])).content.decode()
        assert reverse("admin:ledger_manualpayment_change", args=[other.pk]) in page
    assert decide(staff, "take_back", mistake, reason="again", form_token=str(uuid4())).status_code == 403


def test_who_may_make_no_payment_sees_none(alice: Customer) -> None:
    client = staff_with("accounts.view_account", "accounts.change_account")
    assert pay(client, alice.id, "5").status_code == 403
    assert client.get(reverse("admin:ledger_manualpayment_changelist")).status_code == 403
    assert "waiting for a second person" not in client.get(reverse("admin:index")).content.decode()


def test_payments_are_found_by_address_reference_and_number(staff: Client, alice: Customer) -> None:
    pay(staff, alice.id, "5", reference=f"bank {alice.id}")
    payment = ManualPayment.objects.get(account=alice.id)
    for term in (alice.email, f"bank {alice.id}", str(payment.pk)):
        assert payment.pk in shown(staff, "ledger_manualpayment", q=term)
    assert shown(staff, "ledger_manualpayment", q=alice.email, kind__exact="bonus") == []


def test_the_list_of_payments_asks_as_often_for_many(staff: Client, alice: Customer) -> None:
    address = f"{reverse('admin:ledger_manualpayment_changelist')}?q={alice.email}"
    payments.make(payer(), wish(alice, "50"))
    few = queries(staff, address)
    for _ in range(5):
        payments.approve(approver(), payments.make(payer(), wish(alice, "50")).pk)
    assert len(queries(staff, address)) == len(few)


def test_the_owner_sets_what_a_role_may_pay(staff: Client) -> None:
    from django.contrib.auth.models import Group

    group = Group.objects.create(name=f"Paying {uuid4()}")
    form = {"group": group.pk, "per_payment": "50", "per_day": "200", "approval_above": "10"}
    staff.post(reverse("admin:ledger_paymentlimit_add"), form)
    limit = PaymentLimit.objects.get(group=group)
    assert [limit.per_payment, limit.per_day, limit.approval_above] == [Decimal(each) for each in (50, 200, 10)]
    page = staff.get(reverse("admin:ledger_paymentlimit_change", args=[limit.pk])).content.decode()
    assert 'value="50.00"' in page
    assert staff.get(reverse("admin:ledger_paymentlimit_changelist")).status_code == 200
    assert staff_with("ledger.top_up_account").get(reverse("admin:ledger_paymentlimit_changelist")).status_code == 403


def test_a_credit_limit_is_changed_with_its_reason_and_not_below_what_is_owed(staff: Client, alice: Customer) -> None:
    response = limit_credit(staff, alice.id, "50", "pays by invoice")
    assert "The credit limit is $50.00; it was $0.00" in told(staff, response)
    event = AccountEvent.objects.get(account=alice.id)
    assert (event.kind, event.before, event.after, event.reason) == ("credit limit", "0.00", "50.00", "pays by invoice")
    payments.make(owner(), wish(alice, "-120", PaymentKind.CORRECTION))
    assert "It owes $20.00" in told(staff, limit_credit(staff, alice.id, "19"))
    assert LedgerAccount.objects.get(account=alice.id).credit_limit == 50
    assert AccountEvent.objects.filter(account=alice.id).count() == 1


@pytest.mark.parametrize("limit", ["-1", "x", "", "0.000001"])
def test_a_credit_limit_that_can_not_be_changes_nothing(staff: Client, alice: Customer, limit: str) -> None:
    assert limit_credit(staff, alice.id, limit).context["form"].errors["limit"]
    assert LedgerAccount.objects.get(account=alice.id).credit_limit == 0


def test_credit_is_given_by_who_may_and_not_to_oneself(alice: Customer) -> None:
    client = staff_with("accounts.view_account", "accounts.change_account", "ledger.top_up_account")
    assert press(client, "limit_credit", alice.id, limit="5", reason="why").status_code == 403
    client = browser_of(payer(permissions="change_credit_limit"))
    assert "HX-Redirect" in limit_credit(client, alice.id, "5").headers
    assert "Nobody pays their own account" in limit_credit(client, me(client).pk, "5").content.decode()
    assert LedgerAccount.objects.get(account=me(client)).credit_limit == 0


def test_charlie_pays_and_decides_nothing(charlie: Client, alice: Customer) -> None:
    payment = payments.make(payer(), wish(alice, "50"))
    assert pay(charlie, alice.id, "5").status_code == 403
    for button in ("approve", "reject", "take_back"):
        assert decide(charlie, button, payment, reason="why", form_token=str(uuid4())).status_code == 403
    assert sign_in().get(reverse("admin:ledger_manualpayment_changelist")).status_code == 302
