"""What is on sale as a customer sees it: searched in memory, in the catalog that this process holds."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from tradepost.accounts.models import Account
from tradepost.catalog.models import Favourite, ServiceChange
from tradepost.database import engine_connection
from tradepost.engine.catalog import Catalog, Service, current_catalog
from tradepost.engine.order_types import RULES, Quantity

# What a service may be asked for after the order.
HAVING: dict[str, Callable[[Service], bool]] = {
    "refill": lambda service: service.refill,
    "cancel": lambda service: service.cancel,
    "drip-feed": lambda service: service.terms.dripfeed,
}


class Offer(NamedTuple):
    """A service at what it costs whoever looks."""

    service: Service
    rate: Decimal
    is_own_rate: bool
    is_favourite: bool

    @property
    def is_flat(self) -> bool:
        """Whether the rate is for a whole package."""
        return RULES[self.service.type].quantity is Quantity.PACKAGE


class Storefront:
    """The services on sale, at the rates of an account; of nobody, at everybody's."""

    def __init__(self, account: Account | None) -> None:
        connection = engine_connection()
        self._catalog = current_catalog(connection)
        self._account = account.pk if account else None
        self._favourites: set[int] = set()
        if account:
            self._catalog.load_rates(connection, {account.pk})
            self._favourites = set(Favourite.objects.filter(account=account).values_list("service_id", flat=True))

    def offer(self, wire_id: str) -> Offer | None:
        """Find a service on sale by its id."""
        service = self._catalog.service(wire_id)
        return self._offer(service) if service else None

    @property
    def favourites(self) -> list[Offer]:
        """What the account has at hand."""
        return [self._offer(each) for each in self._catalog.services if each.id in self._favourites]

    @property
    def categories(self) -> list[str]:
        """The headings that have something on sale."""
        return list(dict.fromkeys(service.category for service in self._catalog.services))

    def find(
        self, text: str = "", category: str = "", having: str = "", *, skip: int = 0, limit: int
    ) -> tuple[list[Offer], int]:
        """Return the services whose id, name or category has every word of a text, and how many there are in all.

        `having` is one of `HAVING`. One whose id is the text comes first; else they stay in the customers' order.
        """
        has = HAVING.get(having, _anything)
        words = text.lower().split()
        found = [
            service
            for haystack, service in _haystacks(self._catalog)
            if (not category or service.category == category)
            and has(service)
            and all(word in haystack for word in words)
        ]
        if text.isdecimal():
            found.sort(key=lambda service: str(service.id) != text)
        return [self._offer(service) for service in found[skip : skip + limit]], len(found)

    def as_paid(self, change: ServiceChange) -> ServiceChange:
        """Return a change with the rates that the account pays in place of everybody's."""
        change.rate = self._rate_for(change, change.rate)
        change.rate_before = (
            change.rate_before if change.rate_before is None else self._rate_for(change, change.rate_before)
        )
        return change

    def _rate_for(self, change: ServiceChange, rate: Decimal) -> Decimal:
        if self._account is None:
            return rate
        return self._catalog.rate_at(self._account, change.service_id, change.service.category_id, rate)

    def _offer(self, service: Service) -> Offer:
        rate = service.rate if self._account is None else self._catalog.rate(self._account, service)
        return Offer(service, rate, rate != service.rate, service.id in self._favourites)


def _anything(service: Service) -> bool:  # noqa: ARG001 - asked like the others
    return True


_indexed: tuple[Catalog, list[tuple[str, Service]]] | None = None  # the texts of one catalog, lowered once


def _haystacks(catalog: Catalog) -> Iterable[tuple[str, Service]]:
    global _indexed  # noqa: PLW0603 - one catalog a process, and so one index
    held = _indexed
    if held is None or held[0] is not catalog:
        texts = [(f"{each.id} {each.name} {each.category}".lower(), each) for each in catalog.services]
        _indexed = held = (catalog, texts)
    return held[1]
