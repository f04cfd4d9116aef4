"""The price list and its changes, the statement, which adds up, and the overview."""

import csv
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import psycopg
from django.contrib.sessions.models import Session
from django.core.signals import request_started
from django.db import connection as django_connection
from django.test import override_settings
from django.utils import timezone

from tests.builders import make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tests.panel.conftest import Belongings, browser, page
from tradepost.catalog.models import (
    CustomRate,
    PendingImport,
    PriceList,
    PriceListMember,
    PriceListRate,
    Service,
    ServiceChange,
)
from tradepost.engine.statuses import Status
from tradepost.fulfilment.tasks.cleanup import delete_expired
from tradepost.ledger import operations
from tradepost.ledger.models import LedgerAccount


def test_everybody_sees_the_price_list_and_an_account_its_own_rates(
    alice: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service(name="Ocelot Plays", rate="7.5")
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate="4.7312")
    address = f"/services/?q={service}"
    everybodys, own = page(browser(), address), page(browser(alice), address)
    assert "7.50" in everybodys
    assert "4.7312" not in everybodys
    assert "4.7312" in own
    assert "your rate" in own


def test_the_price_list_is_searched_and_paged(make_service: Callable[..., int]) -> None:
    make_service(name="Lynx Saves")
    text = page(browser(), "/services/?q=lynx", headers={"HX-Request": "true", "HX-Target": "prices"})
    assert "Lynx Saves" in text
    assert "<html" not in text
    assert "No services found" in page(browser(), "/services/?q=lynx+lynx2")
    refilled = make_service(name="Lynx Refilled", refill=True)
    shown = browser().get("/services/?q=lynx&having=refill").context["offers"]
    assert [offer.service.id for offer in shown] == [refilled]
    assert browser().get("/services/?category=Tests").context["count"] > 0
    assert browser().get("/services/?from=1").context["earlier"] == 0


def test_the_price_list_is_there_again_after_the_database_was_away(
    service: int, connection: psycopg.Connection
) -> None:
    client = browser()
    page(client, f"/services/?q={service}")
    ours = django_connection.connection.info.backend_pid
    connection.execute("SELECT pg_terminate_backend(%s)", [ours])
    request_started.send(sender=None)  # Django's test client disconnects the receivers that close connections
    assert client.get(f"/services/?q={service}").status_code == 200


def test_what_changes_is_told_whoever_changes_it(alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(name="Tapir Views", rate="2")
    hidden = make_service(is_active=False)
    Service.objects.filter(pk__in=[service, hidden]).update(rate="3")
    Service.objects.filter(pk=service).update(is_active=False)
    Service.objects.filter(pk=service).update(is_active=True, name="Tapir Views")
    Service.objects.filter(pk=service).update(rate="1")
    kinds = list(ServiceChange.objects.filter(service=service).order_by("id").values_list("kind", flat=True))
    assert kinds == ["new", "rate", "off sale", "on sale", "rate"]
    assert not ServiceChange.objects.filter(service=hidden).exists()
    text = page(browser(alice), "/services/changes/")
    assert "Tapir Views" in text
    assert "cheaper" in text


def test_old_changes_uploads_and_sessions_are_forgotten(alice: Customer, service: int) -> None:
    past = timezone.now() - timedelta(days=2)
    upload = PendingImport.objects.create(account_id=alice.id, file_name="rates.csv", content=b"id", created_at=past)
    change = ServiceChange.objects.filter(service=service).latest("id")
    ServiceChange.objects.filter(pk=change.pk).update(at=timezone.now() - timedelta(days=100))
    session = Session.objects.create(
        session_key="over", session_data="", expire_date=timezone.now() - timedelta(days=1)
    )
    delete_expired(timestamp=0)
    assert not ServiceChange.objects.filter(pk=change.pk).exists()
    assert not Session.objects.filter(pk=session.pk).exists()
    assert not PendingImport.objects.filter(pk=upload.pk).exists()


def test_who_has_a_rate_of_their_own_is_not_told_of_the_lists(
    alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    service = make_service(rate="123.45")
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate="1")
    Service.objects.filter(pk=service).update(rate="234.56")
    assert "234.56" in page(browser(bob), "/services/changes/")
    assert "234.56" not in page(browser(alice), "/services/changes/")


def test_who_is_on_a_price_list_sees_its_rates_everywhere(
    alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    discounted, fixed = make_service(name="Heron Views", rate="321.5"), make_service(name="Heron Saves", rate="77.25")
    price_list = PriceList.objects.create(name="Herons", discount_percent=20)
    PriceListRate.objects.create(price_list=price_list, service_id=fixed, rate=70)
    PriceListMember.objects.create(account_id=alice.id, price_list=price_list)
    text = page(browser(alice), "/services/?q=heron")
    assert "257.20" in text
    assert "70.00" in text
    assert "321.50" in page(browser(bob), "/services/?q=heron")
    form = {"service": str(discounted), "link": "https://example.com/", "quantity": "100"}
    assert ">$25.72</data></b>" in browser(alice).post("/orders/new/charge/", form).content.decode()
    assert "257.20" in page(browser(alice), f"/orders/new/?service={discounted}")
    Service.objects.filter(pk__in=[discounted, fixed]).update(rate="400.25")
    changes = browser(alice).get("/services/changes/").context["changes"]
    told = {(each.service_id, each.kind): (each.rate_before, each.rate) for each in changes}
    assert told[discounted, "rate"] == (Decimal("257.2"), Decimal("320.2"))
    assert (fixed, "rate") not in told
    assert "400.25" in page(browser(bob), "/services/changes/")


def test_a_change_is_told_at_the_rate_that_is_charged(alice: Customer, make_service: Callable[..., int]) -> None:
    service = make_service(name="Egret Likes", rate="2.00")
    route(service, make_offer(make_provider(), rate=Decimal("0.90")))
    price_list = PriceList.objects.create(name="Egrets", discount_percent=30, not_below_cost=True)
    PriceListMember.objects.create(account_id=alice.id, price_list=price_list)
    Service.objects.filter(pk=service).update(rate="1.00")
    changes = browser(alice).get("/services/changes/").context["changes"]
    [told] = [(each.rate_before, each.rate) for each in changes if (each.service_id, each.kind) == (service, "rate")]
    assert told == (Decimal("1.4"), Decimal("0.9"))
    form = {"service": str(service), "link": "https://example.com/", "quantity": "1000"}
    assert ">$0.90</data></b>" in browser(alice).post("/orders/new/charge/", form).content.decode()


def test_a_statement_shows_each_movement_with_the_balance_after_it(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.CANCELED)
    entries = browser(alice).get("/money/").context["entries"]
    assert [(entry.transfer.kind, entry.amount, entry.transfer.balance_after) for entry in entries] == [
        ("cancel", Decimal("0.09"), Decimal(100)),
        ("charge", Decimal("-0.09"), Decimal("99.91")),
        ("top-up", Decimal(100), Decimal(100)),
    ]


def test_a_statement_is_filtered_and_paged(alice: Customer, make_service: Callable[..., int]) -> None:
    place(alice.id, make_service(rate="0.01"), times=60)
    client = browser(alice)
    assert [entry.transfer.kind for entry in client.get("/money/?kind=top-up").context["entries"]] == ["top-up"]
    assert client.get("/money/?to=2001-01-01").context["entries"] == []
    first = client.get("/money/").context
    second = client.get("/money/", {"before": first["older"]}).context
    shown = [entry.transfer.pk for entry in (*first["entries"], *second["entries"])]
    assert (len(first["entries"]), len(shown), second["older"]) == (50, 61, None)
    assert shown == sorted(shown, reverse=True)


def test_a_statement_of_a_period_has_its_opening_and_closing_balance_and_totals(alice: Customer, service: int) -> None:
    first, _second = place(alice.id, service, times=2)
    settle(first, status=Status.CANCELED)
    today = timezone.localdate()
    summary = browser(alice).get("/money/", {"from": str(today)}).context["summary"]
    assert (summary.opening, summary.closing) == (0, Decimal("99.91"))
    assert {each.kind: each.total for each in summary.totals} == {
        "top-up": 100,
        "cancel": Decimal("0.09"),
        "charge": Decimal("-0.18"),
    }
    tomorrow = browser(alice).get("/money/", {"from": str(today + timedelta(days=1))}).context["summary"]
    assert tomorrow == (Decimal("99.91"), Decimal("99.91"), [])
    assert browser(alice).get("/money/").context["summary"] is None


def test_a_printed_statement_has_all_transactions_on_one_page(
    alice: Customer, make_service: Callable[..., int]
) -> None:
    place(alice.id, make_service(rate="0.01"), times=60)
    response = browser(alice).get("/money/?print=1")
    assert len(response.context["entries"]) == 61
    assert alice.email in response.content.decode()


def test_nobodys_statement_has_what_is_anothers(alice: Customer, bob: Customer, service: int) -> None:
    place(alice.id, service, times=2)
    assert len(browser(bob).get("/money/").context["entries"]) == 1
    rows = b"".join(browser(bob).get("/money/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert len(rows.splitlines()) == 2


def test_the_statements_file_adds_up_to_the_balance(alice: Customer, belongings: Belongings) -> None:
    assert belongings.order
    text = b"".join(browser(alice).get("/money/export/").streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.DictReader(text.splitlines()))
    assert sum(Decimal(row["amount"]) for row in rows) == Decimal(rows[0]["balance"])


def test_add_funds_says_how_to_pay_by_hand(alice: Customer) -> None:
    assert "Contact us for payment details" in page(browser(alice), "/money/add/")
    with override_settings(TRADEPOST_PAYMENT_TEXT="To IBAN XX00\nor in cash"):
        text = page(browser(alice), "/money/add/")
    assert "To IBAN XX00" in text
    assert alice.email in text


def test_the_balance_is_on_every_page(alice: Customer, belongings: Belongings) -> None:
    assert belongings.order
    balance = LedgerAccount.objects.values_list("balance", flat=True).get(account=alice.id)
    assert balance
    for address in ("/dashboard/", "/orders/", "/orders/new/", "/services/", "/api/", "/settings/"):
        assert f">${balance:.2f}</data></b>" in page(browser(alice), address), address


def test_the_overview_counts_what_was_ordered_and_spent(alice: Customer, service: int, bob: Customer) -> None:
    first, _second = place(alice.id, service, times=2)
    settle(first, status=Status.CANCELED)
    context = browser(alice).get("/dashboard/").context
    assert (context["count"], context["active"], str(context["spent"])) == (2, 1, "0.09000")
    columns, ticks, _labels = context["chart"]
    assert (columns[-1].orders, columns[-1].spent, len(columns)) == (2, Decimal("0.09"), 30)
    assert (columns[-1].height, ticks) == (90, [Decimal("0.1"), Decimal("0.05"), 0])
    assert [tuple(each) for each in context["by_status"]] == [("Pending", 1), ("Canceled", 1)]
    assert browser(bob).get("/dashboard/").context["count"] == 0
    operations.check()
