"""The services on sale, at a customer's rates. Searches run in memory, on this process's copy of the catalog."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from tradepost.accounts.models import Account
from tradepost.catalog.models import Favourite, ServiceChange
from tradepost.database import engine_connection
from tradepost.engine.catalog import Catalog, Service, current_catalog
from tradepost.engine.order_types import RULES, Quantity

# Filters by what a service allows.
HAVING: dict[str, Callable[[Service], bool]] = {
    "refill": lambda service: service.refill,
    "cancel": lambda service: service.cancel,
    "drip-feed": lambda service: service.terms.dripfeed,
}


class PricedService(NamedTuple):
    """A service with its rate for the viewer: for an account, or for a visitor who has not signed in."""

    service: Service
    rate: Decimal
    is_own_rate: bool
    is_favourite: bool

    @property
    def is_flat(self) -> bool:
        """Whether the rate is for a whole package."""
        return RULES[self.service.type].quantity is Quantity.PACKAGE


class Storefront:
    """The services on sale, at the rates of an account. For a visitor (None), at the services' own rates."""

    def __init__(self, account: Account | None) -> None:
        connection = engine_connection()
        self._catalog = current_catalog(connection)
        self._account = account.pk if account else None
        self._favourites: set[int] = set()
        if account:
            self._catalog.load_rates(connection, {account.pk})
            self._favourites = set(Favourite.objects.filter(account=account).values_list("service_id", flat=True))

    def offer(self, wire_id: str) -> PricedService | None:
        """Return a service by its id; None if it isn't on sale."""
        service = self._catalog.service(wire_id)
        return self._offer(service) if service else None

    @property
    def favourites(self) -> list[PricedService]:
        """The services that the customer marked."""
        return [self._offer(service) for service in self._catalog.services if service.id in self._favourites]

    @property
    def categories(self) -> list[str]:
        """The names of the categories with a service on sale, in their order."""
        return list(dict.fromkeys(service.category for service in self._catalog.services))

    def samples(self, limit: int) -> tuple[list[PricedService], int]:
        """Return the first service of each of so many categories, packages left out, and the number of all services."""
        firsts: dict[str, PricedService] = {}
        for service in self._catalog.services:
            if len(firsts) < limit and service.category not in firsts:
                offer = self._offer(service)
                if not offer.is_flat:
                    firsts[service.category] = offer
        return list(firsts.values()), len(self._catalog.services)

    def find(
        self, text: str = "", category: str = "", having: str = "", *, skip: int = 0, limit: int
    ) -> tuple[list[PricedService], int]:
        """Return the services whose id, name or category contains every word of `text`, and their total number.

        `having` is a key of `HAVING`. A service whose id is the text comes first; the others keep the catalog's order.
        """
        allows = HAVING.get(having, _always)
        words = text.lower().split()
        matches = [
            service
            for haystack, service in _haystacks(self._catalog)
            if (not category or service.category == category)
            and allows(service)
            and all(word in haystack for word in words)
        ]
        if text.isdecimal():
            matches.sort(key=lambda service: str(service.id) != text)
        return [self._offer(service) for service in matches[skip : skip + limit]], len(matches)

    def as_paid(self, change: ServiceChange) -> ServiceChange:
        """Replace the rates in a change by the rates that the account pays, and return the change."""
        change.rate = self._rate_for(change, change.rate)
        change.rate_before = (
            change.rate_before if change.rate_before is None else self._rate_for(change, change.rate_before)
        )
        return change

    def _rate_for(self, change: ServiceChange, rate: Decimal) -> Decimal:
        if self._account is None:
            return rate
        return self._catalog.rate_at(self._account, change.service_id, change.service.category_id, rate)

    def _offer(self, service: Service) -> PricedService:
        rate = service.rate if self._account is None else self._catalog.rate(self._account, service)
        return PricedService(service, rate, rate != service.rate, service.id in self._favourites)


def _always(service: Service) -> bool:  # noqa: ARG001 - called like the filters in `HAVING`
    return True


_indexed: tuple[Catalog, list[tuple[str, Service]]] | None = None  # a catalog, and its services by lower-case text


def _haystacks(catalog: Catalog) -> Iterable[tuple[str, Service]]:
    """Return each service with the text that searches look at, made once for a catalog."""
    global _indexed  # noqa: PLW0603 - a process has one catalog, and so one index
    cached = _indexed
    if cached is None or cached[0] is not catalog:
        texts = [(f"{service.id} {service.name} {service.category}".lower(), service) for service in catalog.services]
        _indexed = cached = (catalog, texts)
    return cached[1]
