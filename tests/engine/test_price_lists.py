"""What price lists make of rates: a model in whole numbers agrees, and so do quotes, listings and charges."""

from decimal import Decimal
from itertools import count
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import make_offer, make_provider, route
from tests.conftest import Customer
from tests.engine.engine_calls import MakeCustomer, MakeService, ask, place_one, value
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.catalog.models import (
    Category,
    CustomRate,
    PriceList,
    PriceListDiscount,
    PriceListMember,
    PriceListRate,
    Service,
)
from tradepost.engine import money, price_lists
from tradepost.engine.catalog import current_catalog
from tradepost.engine.price_lists import Price, PricedService, PriceRule
from tradepost.engine.quoting import Quote, quote
from tradepost.providers import service_sync

D = Decimal
_numbers = count(1)
rates = st.decimals(0, 10_000, places=7)
percents = st.decimals(0, 100, places=4)


def put_on(account: int, *, discount: str = "0", **fields: Any) -> PriceList:
    """Put an account on a list of its own."""
    made = PriceList.objects.create(name=f"List {next(_numbers)}", discount_percent=D(discount), **fields)
    PriceListMember.objects.create(account_id=account, price_list=made)
    return made


def priced(connection: psycopg.Connection, account: int, service: int) -> Price:
    """Return what the catalog says that an account pays."""
    catalog = current_catalog(connection)
    catalog.load_rates(connection, {account})
    found = catalog.service(str(service))
    assert found
    price = catalog.price(account, found)
    assert price.rate == catalog.rate(account, found)
    return price


def model(rate: D, *, own: D | None, listed: D | None, category: D | None, discount: D, floor: D | None) -> int:
    """Return what is paid, in ten-millionths, by whole numbers alone."""
    ours, units = _units(rate), 10**6  # of the percents: 100 % are 10**6 of their last place
    if own is not None:
        return _units(own)
    percent = int((discount if category is None else category).scaleb(4))
    left = units - percent
    paid = _units(listed) if listed is not None else (2 * ours * left + units) // (2 * units)
    if listed is None and ours and left and not paid:
        paid = 1
    return max(paid, min(_units(floor), ours)) if floor is not None else paid


def _units(rate: D) -> int:
    return int(rate.scaleb(7))


def none_or(strategy: st.SearchStrategy[D]) -> st.SearchStrategy[D | None]:
    return st.none() | strategy


@given(rates, none_or(rates), none_or(rates), none_or(percents), percents, none_or(rates), st.booleans())
def test_the_model_agrees_with_the_lists(  # noqa: PLR0917 - drawn
    rate: D, own: D | None, listed: D | None, category: D | None, discount: D, cost: D | None, is_above_cost: bool
) -> None:
    asked = price_lists.PriceList(
        1,
        discount,
        is_above_cost,
        {} if category is None else {7: category},
        {} if listed is None else {5: listed},
    )
    price = Price(own, PriceRule.CUSTOM) if own is not None else asked.price(PricedService(5, 7, rate, cost))
    expected = model(
        rate, own=own, listed=listed, category=category, discount=discount, floor=cost if is_above_cost else None
    )
    assert _units(price.rate) == expected
    if own is None and listed is None:
        assert 0 <= price.rate <= rate


def test_what_is_charged_quoted_and_listed_agrees_with_the_model(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    customer, service = make_customer("1000000"), make_service(min=1)
    category = Service.objects.get(pk=service).category_id

    @given(rates, none_or(rates), none_or(rates), none_or(percents), percents)
    @settings(max_examples=25)
    def agree(rate: D, own: D | None, listed: D | None, by_category: D | None, discount: D) -> None:
        Service.objects.filter(pk=service).update(rate=rate)
        asked = put_on(customer.id, discount=str(discount))
        try:
            if own is not None:
                CustomRate.objects.create(account_id=customer.id, service_id=service, rate=own)
            if listed is not None:
                PriceListRate.objects.create(price_list=asked, service_id=service, rate=listed)
            if by_category is not None:
                PriceListDiscount.objects.create(price_list=asked, category_id=category, discount_percent=by_category)
            expected = D(model(rate, own=own, listed=listed, category=by_category, discount=discount, floor=None))
            _compare(connection, customer, service, expected.scaleb(-7))
        finally:
            connection.rollback()
            PriceListMember.objects.filter(account_id=customer.id).delete()
            CustomRate.objects.filter(account_id=customer.id).delete()
            asked.delete()

    agree()


def _compare(connection: psycopg.Connection, customer: Customer, service: int, rate: D) -> None:
    placed = place_one(connection, ask(customer, service, quantity=1000))
    assert placed.charge == money.charge_for(rate, 1000)
    assert value(connection, "SELECT rate FROM orders_order WHERE id = %s", placed.order) == rate
    [quoted] = quote(connection, customer.id, [ask(customer, service, quantity=1000).parameters])
    assert isinstance(quoted, Quote)
    assert quoted.charge == placed.charge
    listing = current_catalog(connection).listing(customer.id)
    shown = {each["service"]: each["rate"] for each in msgspec.json.decode(listing.plain)}
    assert shown[service] == money.show(rate)


def test_rules_are_asked_in_their_order(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    assert priced(connection, alice.id, service) == Price(D("0.9"), PriceRule.SERVICE)
    asked = put_on(alice.id)
    assert priced(connection, alice.id, service) == Price(D("0.9"), PriceRule.SERVICE)
    PriceList.objects.filter(pk=asked.pk).update(discount_percent=10)
    assert priced(connection, alice.id, service) == Price(D("0.81"), PriceRule.DISCOUNT)
    category = Service.objects.get(pk=service).category_id
    discount = PriceListDiscount.objects.create(price_list=asked, category_id=category, discount_percent=50)
    assert priced(connection, alice.id, service) == Price(D("0.45"), PriceRule.CATEGORY)
    PriceListDiscount.objects.filter(pk=discount.pk).update(discount_percent=0)
    assert priced(connection, alice.id, service) == Price(D("0.9"), PriceRule.CATEGORY)
    PriceListRate.objects.create(price_list=asked, service_id=service, rate=2)
    assert priced(connection, alice.id, service) == Price(D(2), PriceRule.LISTED)
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=0)
    assert priced(connection, alice.id, service) == Price(D(0), PriceRule.CUSTOM)


def test_a_list_is_for_those_on_it_only(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    put_on(alice.id, discount="50")
    assert priced(connection, alice.id, service).rate == D("0.45")
    assert priced(connection, bob.id, service).rate == D("0.9")
    PriceListMember.objects.filter(account_id=alice.id).delete()
    assert priced(connection, alice.id, service).rate == D("0.9")


def test_accounts_on_a_list_share_what_is_made_of_it(
    connection: psycopg.Connection, alice: Customer, bob: Customer, service: int
) -> None:
    asked = put_on(alice.id, discount="50")
    PriceListMember.objects.create(account_id=bob.id, price_list=asked)
    catalog = current_catalog(connection)
    catalog.load_rates(connection, {alice.id, bob.id})
    assert catalog.listing(alice.id) is catalog.listing(bob.id)
    CustomRate.objects.create(account_id=bob.id, service_id=service, rate=1)
    catalog = current_catalog(connection)
    catalog.load_rates(connection, {alice.id, bob.id})
    assert catalog.listing(alice.id) is not catalog.listing(bob.id)


def test_a_test_account_buys_at_the_list_of_the_account_it_stands_for(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    put_on(alice.id, discount="50")
    keys.create(Account.objects.get(pk=alice.id), test=True)
    play = Account.objects.get(test_of_id=alice.id)
    assert priced(connection, play.pk, service).rate == D("0.45")


def test_an_account_is_on_one_list_at_most(alice: Customer) -> None:
    put_on(alice.id)
    with pytest.raises(Exception, match="catalog_pricelistmember_pkey"):
        put_on(alice.id)


def test_a_list_not_below_cost_stops_at_the_dearest_route_rounded_up(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    provider = make_provider(exchange_rate=D("0.333333"))
    route(service, make_offer(provider, rate=D("1.5")))
    route(service, make_offer(provider, rate=D("1.6")), position=2)
    put_on(alice.id, discount="90", not_below_cost=True)
    assert priced(connection, alice.id, service) == Price(D("0.5333328"), PriceRule.DISCOUNT, is_raised=True)


def test_a_list_not_below_cost_never_asks_for_more_than_everybody_pays(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    route(service, make_offer(make_provider(), rate=D(5)))
    put_on(alice.id, discount="10", not_below_cost=True)
    assert priced(connection, alice.id, service) == Price(D("0.9"), PriceRule.DISCOUNT, is_raised=True)


def test_what_costs_nothing_known_is_not_raised(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    put_on(alice.id, discount="100", not_below_cost=True)
    assert priced(connection, alice.id, service) == Price(D(0), PriceRule.DISCOUNT)


def test_a_rate_agreed_with_the_account_is_a_deal(
    connection: psycopg.Connection, alice: Customer, service: int
) -> None:
    route(service, make_offer(make_provider()))
    put_on(alice.id, not_below_cost=True)
    CustomRate.objects.create(account_id=alice.id, service_id=service, rate=D("0.1"))
    assert priced(connection, alice.id, service) == Price(D("0.1"), PriceRule.CUSTOM)


def test_costs_that_change_count_at_once(connection: psycopg.Connection, alice: Customer, service: int) -> None:
    offer = make_offer(make_provider())
    way = route(service, offer)
    put_on(alice.id, discount="50", not_below_cost=True)
    assert priced(connection, alice.id, service).rate == D("0.5")
    type(offer).objects.filter(pk=offer.pk).update(rate=D("0.6"))
    assert priced(connection, alice.id, service).rate == D("0.6")
    type(offer.provider).objects.filter(pk=offer.provider_id).update(exchange_rate=D("1.25"))
    assert priced(connection, alice.id, service).rate == D("0.75")
    type(way).objects.filter(pk=way.pk).update(is_active=False)
    assert priced(connection, alice.id, service).rate == D("0.45")


@given(
    st.decimals(0, 1000, places=7),
    st.decimals(D("0.0000000001"), 1000, places=10),
    st.decimals(D("0.0001"), 100, places=4),
    st.integers(0, 100),
    st.sampled_from(["Default", "Package", "Custom Comments"]),
)
@settings(max_examples=20)
def test_costs_are_reckoned_as_routes_show_them(
    rate: D, exchange_rate: D, multiplier: D, overflow_percent: int, type_: str
) -> None:
    from django.db import transaction

    from tradepost.database import engine_connection

    with transaction.atomic():
        category, _ = Category.objects.get_or_create(name="Costs")
        service = Service.objects.create(category=category, name="Costs", rate=1, type=type_)
        offer = make_offer(make_provider(exchange_rate=exchange_rate), rate=rate)
        way = route(service.pk, offer, multiplier=multiplier, overflow_percent=overflow_percent)
        assert (
            price_lists.load_costs(engine_connection())[service.pk] == service_sync.route_terms(way, type_).terms.rate
        )
        transaction.set_rollback(True)
