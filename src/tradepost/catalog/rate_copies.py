"""Copying the custom rates of one account to other accounts: first a preview, then the writing."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.catalog.models import CustomRate
from tradepost.engine.exceptions import TradepostError

ACCOUNTS_MAX = 1_000
RATES_MAX = 200_000


class RateCopy(msgspec.Struct, frozen=True):
    """A rate that an account would get. `was` is the account's own rate of the service, if it has one."""

    account: int
    email: str
    service: int
    name: str
    was: Decimal | None
    rate: Decimal
    overwrites: bool

    @property
    def is_to_change(self) -> bool:
        """Whether `write_copies` writes this rate."""
        return self.was is None or (self.overwrites and self.was != self.rate)


class TooManyRatesError(TradepostError):
    """More than `RATES_MAX` rates. The message says how many, for the form's field."""


def preview(source: int, targets: Collection[int], *, overwrite: bool) -> list[RateCopy]:
    """Return the copies of `source`'s rates for the accounts `targets`, by account and service.

    Raises `TooManyRatesError`.
    """
    rates = list(CustomRate.objects.filter(account=source).select_related("service").order_by("service"))
    if len(rates) * len(targets) > RATES_MAX:
        raise TooManyRatesError(
            f"{formats.whole(len(rates) * len(targets))} rates; no more than {formats.whole(RATES_MAX)} at once."
        )
    rows = CustomRate.objects.filter(account__in=targets).values_list("account", "service", "rate")
    existing = {(account, service): rate for account, service, rate in rows}
    accounts = Account.objects.filter(pk__in=targets).order_by("email").values_list("pk", "email")
    return [
        RateCopy(id_, str(email), rate.service_id, rate.service.name, was, rate.rate, overwrite)
        for id_, email in accounts
        for rate in rates
        for was in [existing.get((id_, rate.service_id))]
    ]


def write_copies(copies: Sequence[RateCopy]) -> None:
    """Write the copies that change something, in the caller's transaction."""
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
