"""Orders: searching, their page, canceling, refilling, and the CSV file."""

import csv
from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tests.panel.conftest import Belongings, browser, page
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.engine.statuses import Status
from tradepost.orders.models import CancelRequest, Order, OrderEvent, Refill
from tradepost.panel.views import orders as panel_orders

ORDERS = "/orders/"


def listed(client: Client, **query: str | int) -> set[int]:
    """Return the ids of the orders on a page."""
    return {order.pk for order in client.get(ORDERS, query).context["page"].rows}


def test_tabs_search_and_filters_narrow_the_list_down(alice: Customer, make_service: Callable[..., int]) -> None:
    service, other = make_service(), make_service()
    [first] = place(alice.id, service, link="https://example.com/First")
    [second] = place(alice.id, other)
    settle(second, status=Status.COMPLETED)
    client = browser(alice)
    assert listed(client) == {first, second}
    assert listed(client, status="Completed") == {second}
    assert listed(client, q="example.com/first") == {first}
    assert listed(client, q=str(second)) == {second}
    assert listed(client, q=f"#{first}, {second}") == {first, second}
    assert listed(client, service=other) == {second}
    assert listed(client, **{"from": "2999-01-01"}) == set()
    assert listed(client, to="2000-01-02") == set()


def test_a_list_has_50_a_page_and_leads_both_ways(alice: Customer, make_service: Callable[..., int]) -> None:
    ids = place(alice.id, make_service(rate="0.01"), times=120)
    client = browser(alice)
    first = client.get(ORDERS).context["page"]
    second = client.get(ORDERS, {"before": first.older}).context["page"]
    third = client.get(ORDERS, {"before": second.older}).context["page"]
    assert [len(each.rows) for each in (first, second, third)] == [50, 50, 20]
    assert [order.pk for each in (first, second, third) for order in each.rows] == ids[::-1]
    assert (first.newer, third.older) == (None, None)
    back = client.get(ORDERS, {"after": third.newer}).context["page"]
    assert back.rows == second.rows


def test_a_search_looks_so_far_says_so_and_goes_on_further_back(
    alice: Customer, make_service: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, other = make_service(rate="0.01"), make_service(rate="0.01")
    [oldest] = place(alice.id, service, link="https://example.com/needle")
    place(alice.id, other, times=5)
    [newest] = place(alice.id, service, link="https://example.com/needle")
    monkeypatch.setattr(panel_orders, "LOOKED_MAX", 3)
    client = browser(alice)
    searches: tuple[dict[str, str | int], ...] = ({"q": "needle"}, {"service": service})
    for asked in searches:
        first = client.get(ORDERS, asked)
        assert first.context["page"].rows == [Order.objects.get(pk=newest)]
        assert "3 orders are searched" in first.content.decode()
        further = client.get(ORDERS, asked | {"before": first.context["page"].older})
        assert "None so far" in further.content.decode()
        second = further.context["page"]
        assert (second.rows, second.is_cut) == ([], True)
        third = client.get(ORDERS, asked | {"before": second.older})
        assert third.context["page"].rows == [Order.objects.get(pk=oldest)]
        assert "are searched" not in third.content.decode()
        back = client.get(ORDERS, asked | {"after": third.context["page"].newer}).context["page"]
        assert (back.rows, back.newer is not None) == ([], True)
        there = client.get(ORDERS, asked | {"after": back.newer}).context["page"]
        assert (there.rows, there.newer) == (first.context["page"].rows, None)
    assert listed(client, q=oldest) == {oldest}
    assert listed(client, q=f"#{oldest} {newest}") == {oldest, newest}


def test_every_order_is_on_one_page_however_few_are_looked_at(
    alice: Customer, make_service: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = place(alice.id, make_service(rate="0.01"), times=12)
    for order in ids[::3]:
        settle(order, status=Status.COMPLETED)
    monkeypatch.setattr(panel_orders, "LOOKED_MAX", 5)
    monkeypatch.setattr(panel_orders, "PAGE_ROWS", 2)
    client = browser(alice)
    for status, expected in (("", ids[::-1]), ("Completed", ids[::3][::-1])):
        older: int | None = ids[-1] + 1
        found, newer = [], 0
        asked: dict[str, str | int] = {"status": status}
        while older:
            page_ = client.get(ORDERS, asked | {"before": older}).context["page"]
            found += [order.pk for order in page_.rows]
            older, newer = page_.older, page_.newer or 0
        assert found == expected
        back: list[int] = []
        while newer:
            page_ = client.get(ORDERS, asked | {"after": newer}).context["page"]
            back = [order.pk for order in page_.rows] + back
            newer = page_.newer or 0
        assert back == [id_ for id_ in expected if id_ in back]
        assert expected[0] in back


def test_days_far_back_are_looked_at_without_what_came_after(
    alice: Customer, make_service: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(rate="0.01")
    [old], recent = place(alice.id, service), place(alice.id, service, times=4)
    monkeypatch.setattr(panel_orders, "LOOKED_MAX", 2)
    client = browser(alice)
    with transaction.atomic():
        Order.objects.filter(pk__lte=old).update(created_at="2020-05-05T12:00:00Z")
        assert listed(client, **{"from": "2020-05-05", "to": "2020-05-06"}) == {old}
        assert listed(client, **{"from": "2020-05-07"}) == set(recent[2:])
        transaction.set_rollback(True)


def test_nobody_sees_another_customers_orders(alice: Customer, bob: Customer, belongings: Belongings) -> None:
    assert belongings.order in listed(browser(alice))
    assert listed(browser(bob)) == set()
    assert listed(browser(bob), q=str(belongings.order)) == set()


def test_visible_rows_are_asked_for_again_while_they_move(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    client = browser(alice)
    assert 'hx-trigger="every 4s"' in page(client, ORDERS)
    settle(order, status=Status.COMPLETED)
    rows = page(client, ORDERS, headers={"HX-Request": "true", "HX-Target": "rows"})
    assert "<html" not in rows
    assert "Completed" in rows
    assert "hx-trigger" not in rows


def test_an_order_shows_what_happened_to_it_and_its_money(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    settle(order, status=Status.IN_PROGRESS, start_count=1_234)
    settle(order, status=Status.PARTIAL, remains=50, note="Half of it")
    html = page(browser(alice), reverse("panel:order", args=[order]))
    assert 'title="$0.045"' in html
    text = strip_tags(html)
    for part in ("1,234", "Half of it", "Refund of the undelivered part", "+$0.05", "−$0.09", "50 of 100 delivered"):
        assert part in text


def test_an_orders_history_has_each_status_once(alice: Customer, service: int) -> None:
    """Events of its dispatch change no status: being queued and sent is nothing to its customer."""
    offer = make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "sent", upstream_id=f"s{order}")
    response = browser(alice).get(reverse("panel:order", args=[order]))
    assert [event.to_status for event in response.context["events"]] == []
    settle(order, status=Status.IN_PROGRESS)
    response = browser(alice).get(reverse("panel:order", args=[order]))
    assert [event.to_status for event in response.context["events"]] == ["In progress"]


def test_a_link_that_leads_to_no_web_page_is_text(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service, link="javascript:alert(1)")
    text = page(browser(alice), reverse("panel:order", args=[order]))
    assert "javascript:alert(1)" in text
    assert 'href="javascript:' not in text


def test_an_order_nobody_has_begun_is_canceled_at_once(alice: Customer, make_service: Callable[..., int]) -> None:
    [order] = place(alice.id, make_service(cancel=True))
    client = browser(alice)
    address = reverse("panel:order", args=[order])
    assert f'action="{address}cancel/"' in page(client, address)
    client.post(f"{address}cancel/")
    assert Order.objects.get(pk=order).status == Status.CANCELED.value
    assert OrderEvent.objects.get(order=order).actor == "web"
    assert f'action="{address}cancel/"' not in page(client, address)
    assert "100.00" in page(client, "/money/")


def test_an_order_under_way_is_asked_about(alice: Customer, make_service: Callable[..., int]) -> None:
    [order] = place(alice.id, make_service(cancel=True))
    settle(order, status=Status.IN_PROGRESS)
    client = browser(alice)
    for told in ("Cancellation requested. You", "A cancellation was requested before"):
        answer = client.post(reverse("panel:cancel", args=[order]), follow=True)
        assert told in answer.content.decode()
    assert CancelRequest.objects.filter(order=order).count() == 1


def test_a_completed_order_is_refilled_once(alice: Customer, make_service: Callable[..., int]) -> None:
    [order] = place(alice.id, make_service(refill=True))
    settle(order, status=Status.COMPLETED)
    client = browser(alice)
    for told in ("Refill requested", "A refill was requested before"):
        answer = client.post(reverse("panel:refill", args=[order]), follow=True)
        assert told in answer.content.decode()
    assert Refill.objects.filter(order=order).count() == 1
    assert f">#{order}</a>" in page(client, "/orders/refills/")


@pytest.mark.parametrize("wish", ["cancel", "refill"])
def test_what_a_service_does_not_offer_is_refused_with_the_reason(wish: str, alice: Customer, service: int) -> None:
    [order] = place(alice.id, service)
    client = browser(alice)
    assert f"/{wish}/" not in page(client, reverse("panel:order", args=[order]))
    answer = client.post(reverse(f"panel:{wish}", args=[order]), follow=True).content.decode()
    assert {"cancel": "This service can&#x27;t be canceled", "refill": "This service has no refills"}[wish] in answer


def test_dripfeeds_and_subscriptions_have_their_lists(alice: Customer, belongings: Belongings) -> None:
    client = browser(alice)
    assert f">#{belongings.dripfeed}</a>" in page(client, "/orders/drip-feeds/")
    assert "0 / 3" in page(client, "/orders/drip-feeds/")
    assert f">#{belongings.dripfeed}</a>" not in page(client, "/orders/subscriptions/")
    assert "0 / 2" in page(client, "/orders/subscriptions/")


def test_the_file_has_every_order_that_the_filters_leave(alice: Customer, service: int) -> None:
    [order] = place(alice.id, service, link="=HYPERLINK(1)")
    place(alice.id, service, link="https://example.com/other")
    response = browser(alice).get("/orders/export/", {"q": str(order)})
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined] # a file
    [row] = csv.DictReader(text.splitlines())
    assert (row["order"], row["charge"], row["link"]) == (str(order), "0.09", "'=HYPERLINK(1)")
    assert response.headers["Content-Type"].startswith("text/csv")


def test_test_orders_are_listed_apart(alice: Customer, service: int) -> None:
    account = Account.objects.get(pk=alice.id)
    keys.create(account, test=True)
    [order] = place(Account.objects.get(test_of=account).pk, service)
    client = browser(alice)
    assert listed(client) == set()
    assert listed(client, test=1) == {order}
    assert client.get(reverse("panel:order", args=[order])).status_code == 200


def test_an_account_without_orders_is_shown_the_way(alice: Customer) -> None:
    client = browser(alice)
    for address in (ORDERS, "/dashboard/", "/orders/drip-feeds/", "/orders/subscriptions/", "/orders/refills/"):
        assert 'class="empty' in page(client, address).replace("sheet empty", "empty"), address
    assert "No orders match your search" in page(client, f"{ORDERS}?q=nothing")


def test_what_a_provider_answered_is_not_for_its_customer(alice: Customer, service: int) -> None:
    offer = make_offer(make_provider())
    route(service, offer)
    [order] = place(alice.id, service)
    attempt(offer.provider_id, order, "declined", response="your balance is 0.55")
    text = page(browser(alice), f"/orders/{order}/")
    assert "0.55" not in text
    assert "Canceled" in text
