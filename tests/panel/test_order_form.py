"""The order form while it is filled in: mistakes by field, numbers as people write them, links, and what is left."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.html import strip_tags

from tests.builders import place
from tests.conftest import Customer
from tests.panel.conftest import browser, page
from tradepost.ledger.models import LedgerAccount
from tradepost.orders.models import Order
from tradepost.panel.grouped_numbers import ungrouped

NEW = "/orders/new/"
LINK = "https://pixelpond.example/alice"

type MakeService = Callable[..., int]


def mistakes(html: str) -> dict[str, str]:
    """Return the sentences below the fields, by the fields' names."""
    found = re.findall(r'<p\s[^>]*id="mistake_(\w+)"[^>]*>([^<]*)</p>', html)
    return {name: " ".join(text.split()) for name, text in found if text.strip()}


def send(client: Client, service: int, **form: str) -> str:
    """Send the form, and return the page; empty if the order was placed."""
    response = client.post(NEW, {"service": str(service), **form})
    return "" if response.status_code == 302 else response.content.decode()


def typed(client: Client, service: int, **form: str) -> str:
    """Return what the page shows while the form is filled in."""
    return client.post(reverse("panel:charge"), {"service": str(service), **form}).content.decode()


def text_of(html: str) -> str:
    """Return what a person reads of the page, with single spaces."""
    return " ".join(strip_tags(html).split())


def test_all_mistakes_come_at_once_and_the_first_wrong_field_has_the_focus(
    alice: Customer, make_service: MakeService
) -> None:
    service = make_service(type="Mentions with Hashtags")
    html = send(browser(alice), service, link=LINK, quantity="9", usernames="", hashtags="")
    assert mistakes(html) == {
        "quantity": "Minimum quantity is 10",
        "usernames": "Enter one per line",
        "hashtags": "Enter one per line",
    }
    assert "Fix 3 fields. No order has been placed." in html
    [focused] = re.findall(r"<(?:input|textarea|select)\s[^>]*\bautofocus\b[^>]*>", html)
    assert 'name="quantity"' in focused
    assert not Order.objects.filter(account=alice.id).exists()


@pytest.mark.parametrize(
    ("type_", "form", "expected"),
    [
        (
            "Subscriptions",
            {"min": "5", "max": "20,000", "delay": "0", "posts": "0", "expiry": "1/1/2020"},
            {
                "username": "Fill in this field",
                "min": "Enter a whole number from 10 to 10,000",
                "max": "Enter a whole number from the minimum to 10,000",
                "posts": "Old and new posts together must be from 1 to 1,000",
                "expiry": "Enter a day from today on, like 31/12/2030",
            },
        ),
        (
            "Web Traffic",
            {"link": LINK, "quantity": "x", "device": "9", "type_of_traffic": "1", "runs": "2000", "interval": "0"},
            {
                "quantity": "Enter a whole number, for example 1000",
                "country": "Fill in this field",
                "device": "Choose one of the options",
                "google_keyword": "Fill in this field",
                "runs": "Enter a whole number from 0 to 1,000",
            },
        ),
        ("Poll", {"link": LINK, "quantity": "10,001"}, {
            "quantity": "Maximum quantity is 10,000", "answer_number": "Enter a whole number",
        }),
        ("Custom Comments", {"link": "", "comments": "One"}, {
            "link": "Enter a link", "comments": "Minimum quantity is 10",
        }),
    ],
)  # fmt: skip
def test_each_kind_of_field_says_what_it_expects(
    type_: str, form: dict[str, str], expected: dict[str, str], alice: Customer, make_service: MakeService
) -> None:
    service = make_service(type=type_, dripfeed=True)
    assert mistakes(send(browser(alice), service, **form)) == expected


def test_while_one_types_only_what_was_typed_is_wrong(alice: Customer, service: int) -> None:
    client = browser(alice)
    assert mistakes(typed(client, service)) == {}
    assert mistakes(typed(client, service, quantity="3")) == {"quantity": "Minimum quantity is 10"}
    tried = mistakes(typed(client, service, quantity="3", tried="1"))
    assert tried == {"quantity": "Minimum quantity is 10", "link": "Enter a link"}


@pytest.mark.parametrize(
    ("language", "text", "read"),
    [
        ("en", "1,000", "1000"),
        ("en", "1 000", "1000"),
        ("en", "1,000,000", "1000000"),
        ("en", "1.000", "1.000"),
        ("en", "1,00", "1,00"),
        ("en", "0,100", "0,100"),
        ("en", "1,000 000", "1,000 000"),
        ("es", "1.000", "1000"),
        ("es", "1 000", "1000"),
        ("es", "1,000", "1,000"),
        ("ru", "1 000", "1000"),
        ("ru", "1\u00a0000\u00a0000", "1000000"),
        ("ru", "1.000", "1.000"),
        ("ru", "1,000", "1,000"),
    ],
)
def test_digits_are_grouped_as_the_readers_language_does(language: str, text: str, read: str) -> None:
    with translation.override(language):
        assert ungrouped(text) == read


def test_a_grouped_quantity_is_charged_and_ordered(alice: Customer, service: int) -> None:
    client = browser(alice)
    assert ">$0.90</data></b>" in typed(client, service, link=LINK, quantity="1,000")
    assert send(client, service, link=LINK, quantity="1,000") == ""
    assert Order.objects.get(account=alice.id).quantity == 1_000
    spanish = {"accept-language": "es"}
    refused = client.post(NEW, {"service": service, "link": LINK, "quantity": "1,000"}, headers=spanish)
    assert "quantity" in mistakes(refused.content.decode())
    form = {"service": service, "link": LINK, "quantity": "1.000"}
    assert client.post(NEW, form, headers=spanish).status_code == 302


@pytest.mark.parametrize(
    ("kind", "hint", "links"),
    [
        ("any", "A link, like https://…", ("any words", "")),
        ("address", "A web address, like https://…", (LINK, "@alice")),
        ("name", "A name, like @name", ("@alice", LINK)),
        ("either", "A web address, like https://…, or a name, like @name", ("@alice", "not a link")),
    ],
)
def test_a_service_says_what_its_link_looks_like(
    kind: str, hint: str, links: tuple[str, str], alice: Customer, make_service: MakeService
) -> None:
    right, wrong = links
    service, client = make_service(link_kind=kind), browser(alice)
    assert f"{hint} </p>" in " ".join(page(client, f"{NEW}?service={service}").split())
    expected = "This link doesn&#x27;t look right" if wrong else "Enter a link"
    assert mistakes(send(client, service, link=wrong, quantity="100")) == {"link": expected}
    assert send(client, service, link=right, quantity="100") == ""


def test_a_service_that_takes_any_text_doubts_what_is_no_link(alice: Customer, service: int) -> None:
    client = browser(alice)
    assert "Check it before you order." in typed(client, service, link="not a link", quantity="100")
    assert "Check it before you order." not in typed(client, service, link="@alice", quantity="100")


def test_an_address_gets_its_scheme_if_the_service_takes_it(alice: Customer, make_service: MakeService) -> None:
    client = browser(alice)
    bare = r"pixelpond\.example/\w+"
    for fields, stored in (({}, LINK), ({"link_pattern": bare}, "pixelpond.example/alice")):
        assert send(client, make_service(**fields), link="pixelpond.example/alice", quantity="100") == ""
        assert Order.objects.filter(account=alice.id).latest("id").link == stored


def test_the_charge_says_what_is_left_or_what_is_missing(make_customer: Callable[..., Customer], service: int) -> None:
    customer = make_customer("1")
    client = browser(customer)
    assert "Balance after this order: $0.91" in text_of(typed(client, service, quantity="100"))
    poor = typed(client, service, quantity="2000")
    assert "You need $0.80 more for this order." in text_of(poor)
    assert reverse("panel:add_funds") in poor
    LedgerAccount.objects.filter(account=customer.id).update(credit_limit=5)
    assert "Balance after this order: -$0.80" in text_of(typed(client, service, quantity="2000"))


def test_a_service_stays_marked_after_a_mistake_and_while_one_searches(
    alice: Customer, make_service: MakeService
) -> None:
    service = make_service(name="Quetzal Views")
    client = browser(alice)
    assert 'class="pick chosen"' in send(client, service, link="", quantity="")
    found = page(client, f"/orders/new/services/?q=quetzal&service={service}")
    assert 'class="pick chosen"' in found


def test_a_service_far_down_the_list_is_shown_when_it_is_opened_by_its_link(
    alice: Customer, make_service: MakeService
) -> None:
    last = [make_service(position=number) for number in range(45)][-1]
    text = page(browser(alice), f"{NEW}?service={last}")
    assert text.count('class="pick chosen"') == 1
    assert "<h3>Chosen</h3>" in text


def test_an_order_of_a_service_that_is_off_sale_is_not_repeated_in_silence(
    alice: Customer, make_service: MakeService
) -> None:
    service = make_service(is_active=False)
    assert "The service is no longer on sale." in page(browser(alice), f"{NEW}?service={service}&again=1")
    assert "The service is no longer on sale." not in page(browser(alice), NEW)


def test_the_card_of_another_customers_order_is_not_shown(alice: Customer, bob: Customer, service: int) -> None:
    [order] = place(bob.id, service)
    text = page(browser(alice), f"{NEW}?service={service}&placed={order}")
    assert "Order placed" not in text
    assert 'id="order-form"' in text
