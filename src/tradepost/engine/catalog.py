"""The catalog that every node holds in memory, and how it stays current.

Triggers increment `catalog_catalogversion.version` with every change of categories, services, rates or price lists.
Each statement that locks accounts or looks up keys also reads this version. If the version differs from the node's
catalog, the node loads the catalog again, in the same transaction, before it decides anything. So every
node applies a change at once, without a message that could arrive late.
"""

import gzip
from collections import ChainMap
from collections.abc import Collection, Mapping
from decimal import Decimal

import msgspec
from psycopg import Connection, Cursor
from psycopg.rows import TupleRow

from tradepost.engine import link_rules, money, price_lists
from tradepost.engine.link_rules import LinkKind
from tradepost.engine.order_types import OrderType, Terms, whole
from tradepost.engine.price_lists import Price, PricedService, PriceList, PriceRule
from tradepost.engine.routing import Route

CUSTOM_RATES_ACCOUNTS_MAX = 200_000
LISTINGS_MAX = 1_000

_SERVICES = """
SELECT s.id, s.name, s.description, s.type, c.name, c.id, s.rate, s.min, s.max, s.refill, s.cancel, s.dripfeed,
       s.average_time, s.link_pattern, s.link_kind, s.one_order_per_link, s.fulfilment
FROM catalog_service s JOIN catalog_category c ON c.id = s.category_id
WHERE s.is_active
ORDER BY c.position, c.id, s.position, s.id
"""

_ROUTES = """
SELECT DISTINCT ON (r.service_id) r.service_id, r.id, p.provider_id
FROM providers_route r JOIN providers_providerservice p ON p.id = r.provider_service_id
WHERE r.is_active AND NOT p.is_delisted
ORDER BY r.service_id, r.position, r.id
"""

# A test account buys at the rates of the account that it belongs to.
_RATES = """
SELECT a.id, r.service_id, r.rate
FROM accounts_account a JOIN catalog_customrate r ON r.account_id = coalesce(a.test_of_id, a.id)
WHERE a.id = ANY(%s)
"""


class Service(msgspec.Struct, frozen=True):
    """A service on sale. `rate` is for 1,000, or for the package."""

    id: int
    name: str
    description: str
    type: OrderType
    category: str
    category_id: int
    rate: Decimal
    refill: bool
    cancel: bool
    average_time: str
    terms: Terms
    link_kind: LinkKind
    one_order_per_link: bool
    fulfilment: str
    route: Route | None = None  # the first route


class ServiceListing(msgspec.Struct, frozen=True):
    """The encoded answer to `services`, plain and compressed."""

    plain: bytes
    gzipped: bytes


type Rates = dict[int, Decimal]  # by service


class SpecialRates(msgspec.Struct, frozen=True):
    """The rates of an account that differ from the services' rates: its custom rates, and its price list."""

    own: Rates = {}
    price_list: PriceList | None = None
    rates: Mapping[int, Decimal] = {}  # both; a custom rate wins


_NO_SPECIAL_RATES = SpecialRates()


class Catalog:
    """The services on sale at one version. Threads share it, so its values are replaced and never changed."""

    def __init__(
        self,
        version: int,
        services: list[Service],
        lists: Mapping[int, PriceList] = {},
        costs: Mapping[int, Decimal] = {},
    ) -> None:
        self.version = version
        self._services = {str(service.id): service for service in services}
        self._lists = lists
        self._costs = costs
        self._listed: dict[int, Rates] = {}  # by price list; only rates that differ from the services'
        self._special_rates: dict[int, SpecialRates] = {}  # by account
        self._rates: dict[int, Mapping[int, Decimal]] = {}  # by account; a shortcut, since every order needs them
        # By account (None if it has no custom rates) and price list (None if it is on none).
        self._listings: dict[tuple[int | None, int | None], ServiceListing] = {}

    @property
    def services(self) -> Collection[Service]:
        """The services on sale, sorted as customers see them."""
        return self._services.values()

    def service(self, wire_id: str) -> Service | None:
        """Return a service on sale by its id as the client writes it (007, 7.0)."""
        return self._services.get(wire_id) or self._services.get(str(whole(wire_id)))

    def load_rates(self, connection: Connection, accounts: set[int]) -> None:
        """Load the missing rates of these accounts. Call this before `rate`, `price`, `rate_at` and `listing`."""
        missing = accounts - self._special_rates.keys()
        if not missing:
            return
        if len(self._special_rates) > CUSTOM_RATES_ACCOUNTS_MAX:
            self._special_rates = {account: self._special_rates[account] for account in accounts - missing}
            self._rates = {account: special.rates for account, special in self._special_rates.items()}
        own: dict[int, dict[int, Decimal]] = {account: {} for account in missing}
        for account, service, rate in Cursor(connection).execute(_RATES, [list(missing)]):
            own[account][service] = rate
        members = price_lists.load_members(connection, missing) if self._lists else {}
        special_rates = {account: self._special_rates_of(own[account], members.get(account)) for account in missing}
        self._rates.update({account: special.rates for account, special in special_rates.items()})
        self._special_rates.update(special_rates)

    def _special_rates_of(self, own: Rates, list_id: int | None) -> SpecialRates:
        price_list = self._lists.get(list_id) if list_id else None
        if price_list is None:
            return SpecialRates(own, None, own) if own else _NO_SPECIAL_RATES
        listed = self._listed_rates(price_list)
        return SpecialRates(own, price_list, ChainMap(own, listed) if own and listed else own or listed)

    def _listed_rates(self, price_list: PriceList) -> Rates:
        """Compute the rates of a price list once, for all accounts on it."""
        if price_list.id not in self._listed:
            prices = ((service, price_list.price(self._priced(service)).rate) for service in self._services.values())
            self._listed[price_list.id] = {service.id: rate for service, rate in prices if rate != service.rate}
        return self._listed[price_list.id]

    def _priced(self, service: Service) -> PricedService:
        return PricedService(service.id, service.category_id, service.rate, self._costs.get(service.id))

    def rate(self, account: int, service: Service) -> Decimal:
        """Return the rate of 1,000 (or the package) for this account, whose rates must be loaded."""
        rates = self._rates[account]
        return rates.get(service.id, service.rate) if rates else service.rate

    def price(self, account: int, service: Service) -> Price:
        """Return the rate for this account, whose rates must be loaded, and the rule that sets it."""
        return self._price(account, self._priced(service))

    def rate_at(self, account: int, service: int, category: int, rate: Decimal) -> Decimal:
        """Return this account's rate if the service's rate were `rate`. The account's rates must be loaded."""
        return self._price(account, PricedService(service, category, rate, self._costs.get(service))).rate

    def _price(self, account: int, goods: PricedService) -> Price:
        special = self._special_rates[account]
        own = special.own.get(goods.service)
        if own is not None:
            return Price(own, PriceRule.CUSTOM)
        return special.price_list.price(goods) if special.price_list else Price(goods.rate, PriceRule.SERVICE)

    def listing(self, account: int) -> ServiceListing:
        """Return the answer to `services` for this account, whose rates must be loaded."""
        special = self._special_rates[account]
        whose = (account if special.own else None, special.price_list.id if special.price_list else None)
        listing = self._listings.get(whose)
        if listing is None:
            if len(self._listings) >= LISTINGS_MAX:
                self._listings = {}
            listing = self._listings[whose] = self._make_listing(account)
        return listing

    def _make_listing(self, account: int) -> ServiceListing:
        plain = msgspec.json.encode(
            [
                {
                    "service": service.id,
                    "name": service.name,
                    "type": service.type,
                    "category": service.category,
                    "rate": money.show(self.rate(account, service)),
                    "min": str(service.terms.min),
                    "max": str(service.terms.max),
                    "refill": service.refill,
                    "cancel": service.cancel,
                    "dripfeed": service.terms.dripfeed,
                    "description": service.description,
                    "average_time": service.average_time,
                }
                for service in self._services.values()
            ]
        )
        return ServiceListing(plain, gzip.compress(plain, mtime=0))


_cached: Catalog | None = None  # a process has one database, so one catalog


def cached_catalog(connection: Connection) -> Catalog:
    """Return the catalog in memory, which may be outdated. If there is none, load it."""
    return _cached or load_catalog(connection)


def current_catalog(connection: Connection) -> Catalog:
    """Return the catalog at the version that the database has now."""
    row = Cursor(connection).execute("SELECT version FROM catalog_catalogversion", prepare=True).fetchone()
    assert row, "the migrations make this row"
    return catalog_at(connection, row[0])


def catalog_at(connection: Connection, version: int) -> Catalog:
    """Return the catalog at this version, or a later one."""
    catalog = _cached
    return catalog if catalog and catalog.version == version else load_catalog(connection)


def load_catalog(connection: Connection) -> Catalog:
    """Load the catalog from the database, and keep it in memory."""
    global _cached  # noqa: PLW0603 - the one value that a process holds
    cursor = Cursor(connection)
    # Read the version first. If the catalog changes in between, this version is too old, and the next use reloads.
    row = cursor.execute("SELECT version FROM catalog_catalogversion").fetchone()
    assert row, "the migrations make this row"
    routes = {service: Route(*route) for service, *route in cursor.execute(_ROUTES)}
    services = [_service((*row, routes.get(row[0]))) for row in cursor.execute(_SERVICES)]
    lists = price_lists.load(connection)
    costs = price_lists.load_costs(connection) if any(each.is_above_cost for each in lists.values()) else {}
    _cached = Catalog(row[0], services, lists, costs)
    return _cached


def _service(row: TupleRow) -> Service:
    id_, name, text, type_, category, category_id, rate, min_, max_, *flags, time, link, kind, one, by, route = row
    refill, cancel, dripfeed = flags
    terms = Terms(OrderType(type_), min_, max_, dripfeed, link_rules.compile_stored_rule(link, kind))
    return Service(
        id_, name, text, terms.type, category, category_id, rate, refill, cancel, time, terms, LinkKind(kind), one, by,
        route,
    )  # fmt: skip
