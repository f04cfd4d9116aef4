"""Amounts, numbers and times in the back office are written by `formats`, with the exact amount in the tooltip."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import press, told
from tests.builders import place
from tests.conftest import Customer
from tradepost.site_settings import effective


@pytest.fixture
def yen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the books' currency yen, which has no decimals."""
    in_dollars = effective.load

    def load() -> Any:
        return msgspec.structs.replace(in_dollars(), currency="JPY")

    monkeypatch.setattr(effective, "load", load)


def page(client: Client, name: str, *arguments: int, **parameters: str | int) -> str:
    return client.get(reverse(name, args=arguments), parameters).content.decode()


def test_an_order_shows_the_currencys_decimals_and_the_exact_charge_beside(
    staff: Client, alice: Customer, make_service: Callable[..., int]
) -> None:
    [order] = place(alice.id, make_service(rate=Decimal("1.2345")), quantity="1500")
    for html in (
        page(staff, "admin:orders_order_change", order),
        page(staff, "admin:orders_order_changelist", ids=order),
    ):
        assert '<data class="amount" value="1.85175" title="$1.85175">$1.85</data>' in html
        assert ">1,500<" in html


@pytest.mark.usefixtures("yen")
def test_yen_have_no_decimals(staff: Client, alice: Customer, make_service: Callable[..., int]) -> None:
    caches["process"].clear()
    [order] = place(alice.id, make_service(rate=Decimal("60.5")), quantity="1000")
    expected = '<data class="amount" value="60.50000" title="¥60.5">¥61</data>'
    assert expected in page(staff, "admin:orders_order_changelist", ids=order)
    assert expected in page(staff, "admin:accounts_account_change", alice.id)
    figures = {figure["title"]: figure for figure in staff.get(reverse("admin:index")).context["figures"]}
    assert strip_tags(figures["Revenue today"]["value"]).startswith("¥")
    assert "." not in strip_tags(figures["Revenue today"]["value"])


@pytest.mark.usefixtures("yen")
def test_messages_have_the_currency_and_every_digit(staff: Client, alice: Customer) -> None:
    response = press(staff, "limit_credit", alice.id, form_token=uuid4(), limit="1250.5", reason="pays by invoice")
    assert "The credit limit is ¥1,250.5; it was ¥0" in told(staff, response)


def test_pages_say_in_which_zone_times_are(staff: Client) -> None:
    assert "All times are in UTC." in page(staff, "admin:orders_order_changelist")
