"""Price lists: the rate that an account on a list pays, and the rule that decides this rate.

The first of these that exists decides:

1. the rate agreed with the account
2. the list's rate for the service
3. the list's discount on the service's category
4. the list's discount on everything
5. the service's own rate

If a list must not sell below cost, it raises its rate to the service's cost, but never above the service's own rate.
"""

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor

from tradepost.engine import arrays, money
from tradepost.engine.enums import TextEnum
from tradepost.engine.order_types import RULES, Quantity
from tradepost.engine.routing import Fulfilment


class PriceRule(TextEnum):
    """The rule that decides a rate."""

    CUSTOM = "custom rate"
    LISTED = "the list's rate"
    CATEGORY = "category discount"
    DISCOUNT = "list discount"
    SERVICE = "service's rate"


class Price(msgspec.Struct, frozen=True):
    """An account's rate per 1,000 (or per package), and the rule that decided it."""

    rate: Decimal
    rule: PriceRule
    is_raised: bool = False  # raised to the service's cost


class PricedService(msgspec.Struct, frozen=True):
    """A service at its own rate. `cost` is the highest cost of its routes; None if it is not known."""

    service: int
    category: int
    rate: Decimal
    cost: Decimal | None = None


class PriceList(msgspec.Struct, frozen=True):
    """A price list. `discounts` are in percent, by category id; `rates` are by service id."""

    id: int
    discount: Decimal
    is_above_cost: bool = False
    discounts: dict[int, Decimal] = {}
    rates: dict[int, Decimal] = {}

    def price(self, goods: PricedService) -> Price:
        """Return the price for accounts on this list."""
        decided = self._decide(goods)
        if not self.is_above_cost or goods.cost is None:
            return decided
        floor = min(money.covering(goods.cost), goods.rate)
        return Price(floor, decided.rule, is_raised=True) if decided.rate < floor else decided

    def _decide(self, goods: PricedService) -> Price:
        rate = self.rates.get(goods.service)
        if rate is not None:
            return Price(rate, PriceRule.LISTED)
        discount = self.discounts.get(goods.category)
        if discount is not None:
            return Price(money.discounted(goods.rate, discount), PriceRule.CATEGORY)
        if self.discount:
            return Price(money.discounted(goods.rate, self.discount), PriceRule.DISCOUNT)
        return Price(goods.rate, PriceRule.SERVICE)


_LISTS = "SELECT id, discount_percent, not_below_cost FROM catalog_pricelist"
_DISCOUNTS = "SELECT price_list_id, category_id, discount_percent FROM catalog_pricelistdiscount"
_RATES = "SELECT price_list_id, service_id, rate FROM catalog_pricelistrate"

# A test account buys at the prices of the account it stands for.
_MEMBERS = """
SELECT a.id, m.price_list_id
FROM accounts_account a JOIN catalog_pricelistmember m ON m.account_id = coalesce(a.test_of_id, a.id)
WHERE a.id = ANY(%s::bigint[])
"""

# What 1,000 of a service cost by each route, computed as in `providers.service_sync`. The products are exact.
_COSTS = """
SELECT r.service_id,
       max(o.rate * p.exchange_rate
           * CASE WHEN s.type = ANY(%s) THEN r.multiplier * (100 + r.overflow_percent) * 0.01 ELSE 1 END)
FROM providers_route r
JOIN catalog_service s ON s.id = r.service_id
JOIN providers_providerservice o ON o.id = r.provider_service_id
JOIN providers_provider p ON p.id = o.provider_id
WHERE r.is_active AND NOT o.is_delisted AND s.is_active AND s.fulfilment = %s
GROUP BY r.service_id
"""
_COUNTED = [type_.value for type_, rule in RULES.items() if rule.quantity is Quantity.GIVEN]


def load(connection: Connection) -> dict[int, PriceList]:
    """Return the price lists by id. A desk without price lists costs one query only."""
    lists = Cursor(connection).execute(_LISTS).fetchall()
    if not lists:
        return {}
    discounts: defaultdict[int, dict[int, Decimal]] = defaultdict(dict)
    for id_, category, percent in Cursor(connection).execute(_DISCOUNTS):
        discounts[id_][category] = percent
    rates: defaultdict[int, dict[int, Decimal]] = defaultdict(dict)
    for id_, service, rate in Cursor(connection).execute(_RATES):
        rates[id_][service] = rate
    return {
        id_: PriceList(id_, discount, is_above_cost, discounts[id_], rates[id_])
        for id_, discount, is_above_cost in lists
    }


def load_members(connection: Connection, accounts: Collection[int]) -> dict[int, int]:
    """Return the price list's id by account. Accounts without a price list are left out."""
    return dict(Cursor(connection).execute(_MEMBERS, [arrays.of_numbers(accounts)]).fetchall())


def load_costs(connection: Connection) -> dict[int, Decimal]:
    """Return the cost per 1,000 (or per package) by service on sale at a provider; the dearest route counts."""
    return dict(Cursor(connection).execute(_COSTS, [_COUNTED, Fulfilment.PROVIDER.value]).fetchall())
