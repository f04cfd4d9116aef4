"""One order: the search for a service, the charge before the order, and an order that is placed once."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.conftest import Customer
from tests.panel.conftest import browser, page
from tradepost.catalog.models import CustomRate, Favourite, Service
from tradepost.engine.order_types import PARAMETERS, RULES, OrderType
from tradepost.orders.models import Order
from tradepost.panel import order_fields
from tradepost.panel.storefront import Storefront

NEW = "/orders/new/"
LINK = "https://pixelpond.example/alice"

type MakeService = Callable[..., int]


def order(client: Client, service: int, **form: str) -> str:
    """Send the form as the page has it. Return the URL of the redirect; empty if the form was refused."""
    name = re.findall(r'name="name" value="([^"]+)"', page(client, f"{NEW}?service={service}"))[0]
    wanted = {"service": str(service), "name": name, "link": LINK, "quantity": "100", **form}
    return str(client.post(NEW, wanted).headers.get("Location", ""))


def last_of(customer: Customer) -> Order:
    return Order.objects.filter(account=customer.id).latest("id")


def test_after_an_order_a_card_has_its_id_its_charge_and_the_balance(alice: Customer, service: int) -> None:
    client = browser(alice)
    told = order(client, service)
    placed = last_of(alice)
    assert (placed.mode, placed.link, placed.quantity, str(placed.charge)) == ("web", LINK, 100, "0.09000")
    card = page(client, told)
    assert "Order placed" in card
    for part in (f'data-copy-text="{placed.pk}"', f'href="/orders/{placed.pk}/"', "$0.09", "$99.91"):
        assert part in card
    assert 'id="order-form"' not in card
    assert f'href="{NEW}?service={service}"' in card  # the next order, with an empty form


def test_a_form_sent_twice_orders_once(alice: Customer, service: int) -> None:
    client = browser(alice)
    form = {"service": str(service), "name": "web-one-form", "link": LINK, "quantity": "100"}
    first, second = (client.post(NEW, form).headers["Location"] for _ in range(2))
    assert first == second
    assert Order.objects.filter(account=alice.id).count() == 1


def test_a_form_gone_back_to_and_changed_orders_anew(alice: Customer, service: int) -> None:
    client = browser(alice)
    form = {"service": str(service), "name": "web-went-back", "link": LINK, "quantity": "100"}
    first, second = (client.post(NEW, {**form, "quantity": each}).headers["Location"] for each in ("100", "200"))
    assert first != second


def test_a_form_that_was_refused_is_mended_and_sent_again(alice: Customer, service: int) -> None:
    client = browser(alice)
    form = {"service": str(service), "name": "web-mended", "link": LINK, "quantity": "1"}
    assert client.post(NEW, form).status_code == 200
    assert client.post(NEW, {**form, "quantity": "10"}).status_code == 302


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"link": ""}, "link", "Enter a link"),
        ({"quantity": "9"}, "quantity", "Minimum quantity is 10"),
        ({"quantity": "10001"}, "quantity", "Maximum quantity is 10,000"),
        ({"quantity": "many"}, "quantity", "Enter a whole number, for example 1000"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    form: dict[str, str], field: str, words: str, alice: Customer, service: int
) -> None:
    wanted = {"service": str(service), "link": LINK, "quantity": "100", **form}
    text = browser(alice).post(NEW, wanted).content.decode()
    assert f'id="mistake_{field}" aria-live="polite">{words}</p>' in " ".join(text.split())
    assert not Order.objects.filter(account=alice.id).exists()


def test_who_lacks_the_money_is_told_how_to_add_some(make_customer: Callable[..., Customer], service: int) -> None:
    poor = make_customer("0")
    text = browser(poor).post(NEW, {"service": str(service), "link": LINK, "quantity": "100"}).content.decode()
    assert "Your balance is too low." in text
    assert reverse("panel:add_funds") in text


def test_the_charge_is_shown_before_it_is_paid(alice: Customer, service: int) -> None:
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate="0.50")
    client = browser(alice)
    form = {"service": str(service), "link": LINK, "quantity": "1000"}
    for told in (form, {**form, "link": ""}):
        assert ">$0.50</data></b>" in client.post(reverse("panel:charge"), told).content.decode()
    order(client, service, quantity="1000")
    assert str(last_of(alice).charge) == "0.50000"


def test_lines_are_counted_and_runs_multiply(alice: Customer, make_service: MakeService) -> None:
    client = browser(alice)
    comments = {"service": str(make_service(type="Custom Comments", min=1, rate=1000)), "link": LINK}
    shown = client.post(reverse("panel:charge"), {**comments, "comments": "One\r\n\r\nTwo\r\n"}).content.decode()
    assert ">$2.00</data></b>" in shown
    fed = {"service": str(make_service(dripfeed=True)), "link": LINK, "quantity": "100"}
    shown = client.post(reverse("panel:charge"), {**fed, "runs": "3", "interval": "5"}).content.decode()
    assert ">$0.27</data></b>" in shown


@pytest.mark.parametrize("type_", list(OrderType))
def test_the_form_follows_the_type(type_: OrderType, alice: Customer, make_service: MakeService) -> None:
    service = make_service(type=type_.value, min=1, max=10_000, dripfeed=True)
    text = page(browser(alice), f"{NEW}?service={service}")
    rule = RULES[type_]
    names = [*rule.required, *rule.optional, *(["link"] if rule.link else []), *(["runs"] if rule.dripfeed else [])]
    for name in names:
        assert f'name="{name}"' in text


def test_every_parameter_has_a_look_of_its_own() -> None:
    assert set(PARAMETERS) - {"service"} <= set(order_fields.FIELD_SPECS)  # the service is chosen before


def test_services_are_found_by_name_id_and_category(alice: Customer, make_service: MakeService) -> None:
    service = make_service(name="Zanzibar Views · Premium")
    client = browser(alice)
    for text in ("zanzibar prem", str(service), "tests zanzibar"):
        assert "Zanzibar Views" in page(client, f"/orders/new/services/?q={text}"), text
    assert "No services found" in page(client, "/orders/new/services/?q=zanzibar+nowhere")


def test_what_is_off_sale_is_neither_found_nor_ordered(alice: Customer, make_service: MakeService) -> None:
    service = make_service(name="Quokka Likes", is_active=False)
    client = browser(alice)
    assert "Quokka" not in page(client, "/orders/new/services/?q=quokka")
    assert client.post(NEW, {"service": str(service), "link": LINK, "quantity": "100"}).headers["Location"] == NEW
    assert not Order.objects.filter(account=alice.id).exists()


def test_ten_thousand_services_are_searched_in_memory(alice: Customer, service: int) -> None:
    from tradepost.accounts.models import Account
    from tradepost.database import engine_connection
    from tradepost.engine.catalog import Catalog, current_catalog

    storefront = Storefront(Account.objects.get(pk=alice.id))
    one = current_catalog(engine_connection()).service(str(service))
    assert one
    many = Catalog(
        0, [type(one)(**{f: getattr(one, f) for f in one.__struct_fields__} | {"id": id_}) for id_ in range(1, 10_001)]
    )
    many.load_rates(engine_connection(), {alice.id})
    storefront._catalog = many
    offers, count = storefront.find("7777", limit=60)
    assert [offer.service.id for offer in offers][:1] == [7777]
    assert count == 1


def test_a_favourite_is_at_hand_until_it_is_none(alice: Customer, bob: Customer, service: int) -> None:
    client = browser(alice)
    address, form = reverse("panel:favourite"), {"service": str(service)}
    star = client.post(address, form, headers={"HX-Request": "true"}).content.decode()
    assert 'aria-pressed="true"' in star
    assert "Favourites" in page(client, NEW)
    assert "<h3>Favourites</h3>" not in page(browser(bob), NEW)
    client.post(address, form)
    assert not Favourite.objects.filter(account=alice.id).exists()


def test_an_order_is_asked_for_again_with_what_it_said(
    alice: Customer, bob: Customer, make_service: MakeService
) -> None:
    service = make_service(dripfeed=True)
    order(browser(alice), service, quantity="50", runs="4", interval="30")
    again = f"{NEW}?service={service}&again={last_of(alice).pk}"
    text = page(browser(alice), again)
    for name, value in {"link": LINK, "quantity": "50", "runs": "4", "interval": "30"}.items():
        assert f'name="{name}" value="{value}"' in text
    assert browser(bob).get(again).status_code == 404


def test_a_description_is_text_whatever_is_in_it(alice: Customer, make_service: MakeService) -> None:
    service = make_service(description="<b>Bold</b>\nwords")
    text = page(browser(alice), f"{NEW}?service={service}")
    assert "&lt;b&gt;Bold" in text
    assert Service.objects.get(pk=service).description.startswith("<b>")
