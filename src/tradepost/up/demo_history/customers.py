"""The customers of the demo's past: who they are, since when, and what they paid in."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password

from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.engine.backfill import BalanceChange, TopUp
from tradepost.up.demo_history.days import DAYS, JUST_NOW

# Others who have ordered. They have no password: one looks at the panel as one of them from the back office.
OTHERS = (
    "dora", "emil", "fatima", "greg", "hana", "ivan", "june", "kofi", "lena", "marco", "nadia", "omar", "petra",
    "quinn", "rosa", "sven", "tara", "ugo", "vera", "wim", "yara", "zeno",
)  # fmt: skip
JOINED_BEFORE = 14  # so many of them before all that; the others since, one by one
ROUND_SUMS = (20, 25, 50, 50, 100)
LEFT_MIN = 5  # of money, before more is paid in
PAID_BEFORE = timedelta(seconds=90)
ACTOR = "demo"


class Customer(msgspec.Struct, frozen=True):
    """Who orders. With a balance that was promised, what comes first is paid in so that this much is left."""

    account: Account
    key: int | None
    joined_at: datetime
    weight: float
    promised: Decimal | None = None
    is_thrifty: bool = False  # has hardly any money, and never had


def make(chance: random.Random, now: datetime, promised: dict[str, Decimal]) -> list[Customer]:
    """Return who orders: those of the demo, who have keys and are promised a balance, and others."""
    begin = now - timedelta(days=DAYS)
    return [*_promised(begin, promised), *_others(chance, begin, now - 2 * JUST_NOW)]


def _promised(begin: datetime, promised: dict[str, Decimal]) -> Iterator[Customer]:
    accounts = Account.objects.filter(email__in=promised)
    keys_of = dict(Key.objects.filter(account__in=accounts).values_list("account_id", "pk"))
    joined_at = begin - timedelta(days=40)
    accounts.update(created_at=joined_at)
    for account in accounts.order_by("pk"):
        balance = promised[str(account.email)]
        is_thrifty = balance == min(promised.values())
        yield Customer(account, keys_of[account.pk], joined_at, 0.4 if is_thrifty else 3, balance, is_thrifty)


def _others(chance: random.Random, begin: datetime, newest: datetime) -> list[Customer]:
    """Make customers who joined before all that, and some who joined one by one since."""
    late = len(OTHERS) - JOINED_BEFORE
    joined_at = [begin - timedelta(days=chance.uniform(1, 90)) for _ in range(JOINED_BEFORE)]
    joined_at += [begin + timedelta(days=DAYS * (number + chance.random()) / late) for number in range(late)]
    accounts = Account.objects.bulk_create(
        Account(email=f"{name}@demo.example", password=make_password(None), created_at=min(at, newest))
        for name, at in zip(OTHERS, joined_at, strict=True)
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(user=account, email=account.email, verified=True, primary=True) for account in accounts
    )
    return [_other(account, number) for number, account in enumerate(accounts, 1)]


def _other(account: Account, number: int) -> Customer:
    """Return a customer; the first ones order most, and every third by hand only."""
    key = None
    if number % 3:
        keys.create(account, name="Panel")
        key = Key.objects.get(account=account).pk
    return Customer(account, key, account.created_at, 12 / number**0.7)


def paid_in(chance: random.Random, customer: Customer, changes: Sequence[BalanceChange]) -> Iterator[TopUp]:
    """Yield what a customer paid in: round sums whenever money ran short, or all at first, if a balance is promised."""
    account, joined_at = customer.account.pk, customer.joined_at
    if customer.promised is not None:
        amount = customer.promised - sum(change.amount for change in changes)
        yield TopUp(account, joined_at, amount, ACTOR, "Brought along")
        return
    balance = Decimal(0)
    for change in changes:
        while balance + change.amount < LEFT_MIN:
            amount = Decimal(chance.choice(ROUND_SUMS))
            yield TopUp(account, change.at - PAID_BEFORE, amount, ACTOR, "Bank transfer")
            balance += amount
        balance += change.amount
