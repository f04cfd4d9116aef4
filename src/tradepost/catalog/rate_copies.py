"""The rates agreed with one account copied to others: what they would be is told first, then they are written."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec

from tradepost.accounts.models import Account
from tradepost.catalog.models import CustomRate
from tradepost.engine.exceptions import TradepostError

ACCOUNTS_MAX = 1_000
RATES_MAX = 200_000


class Copied(msgspec.Struct, frozen=True):
    """A rate that an account would have, and the one it has, if any."""

    account: int
    email: str
    service: int
    name: str
    was: Decimal | None
    rate: Decimal
    overwrites: bool

    @property
    def is_to_change(self) -> bool:
        """Whether anything is to be written."""
        return self.was is None or (self.overwrites and self.was != self.rate)


class TooManyRatesError(TradepostError):
    """More rates than are copied at once; the message says how many."""


def consider(source: int, targets: Collection[int], *, overwrite: bool) -> list[Copied]:
    """Return what copying an account's rates to others comes to, by account and service. Raises `TooManyRatesError`."""
    rates = list(CustomRate.objects.filter(account=source).select_related("service").order_by("service"))
    if len(rates) * len(targets) > RATES_MAX:
        raise TooManyRatesError(f"{len(rates) * len(targets):,} rates; no more than {RATES_MAX:,} at once.")
    existing = CustomRate.objects.filter(account__in=targets)
    has = {(account, service): rate for account, service, rate in existing.values_list("account", "service", "rate")}
    people = Account.objects.filter(pk__in=targets).order_by("email").values_list("pk", "email")
    return [
        Copied(id_, str(email), rate.service_id, rate.service.name, was, rate.rate, overwrite)
        for id_, email in people
        for rate in rates
        for was in [has.get((id_, rate.service_id))]
    ]


def apply(copies: Sequence[Copied]) -> None:
    """Write what was considered, in the caller's transaction."""
    CustomRate.objects.bulk_create(
        [
            CustomRate(account_id=copy.account, service_id=copy.service, rate=copy.rate)
            for copy in copies
            if copy.is_to_change
        ],
        update_conflicts=True,
        unique_fields=["account", "service"],
        update_fields=["rate"],
        batch_size=10_000,
    )
