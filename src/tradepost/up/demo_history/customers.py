"""The customers of the demo's past: their names, when they joined, and their top-ups."""

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
from tradepost.up.demo_history.days import DAYS, NEWEST_ORDER_AGE

# The other customers. They have no password; staff can see the panel as one of them by impersonation.
OTHERS = (
    "dora", "emil", "fatima", "greg", "hana", "ivan", "june", "kofi", "lena", "marco", "nadia", "omar", "petra",
    "quinn", "rosa", "sven", "tara", "ugo", "vera", "wim", "yara", "zeno",
)  # fmt: skip
JOINED_BEFORE = 14  # so many of OTHERS joined before the past begins; the rest join one by one during it
ROUND_SUMS = (20, 25, 50, 50, 100)
BALANCE_MIN = 5  # if an order would leave less, the customer tops up first
TOP_UP_BEFORE = timedelta(seconds=90)  # between a top-up and the order that it is for
ACTOR = "demo"


class Customer(msgspec.Struct, frozen=True):
    """A customer of the past. `weight` is how often the customer orders, compared with the others.

    If a balance is `promised`, the customer's first top-up is chosen so that this balance is left at the end.
    """

    account: Account
    key: int | None
    joined_at: datetime
    weight: float
    promised: Decimal | None = None
    is_thrifty: bool = False  # never had much money, so orders only small and cheap things


def make_customers(rng: random.Random, now: datetime, promised: dict[str, Decimal]) -> list[Customer]:
    """Return the demo's own customers, whose accounts, keys and promised balances exist, and make others."""
    begin = now - timedelta(days=DAYS)
    return [*_promised(begin, promised), *_others(rng, begin, now - 2 * NEWEST_ORDER_AGE)]


def _promised(begin: datetime, promised: dict[str, Decimal]) -> Iterator[Customer]:
    accounts = Account.objects.filter(email__in=promised)
    keys_of = dict(Key.objects.filter(account__in=accounts).values_list("account_id", "pk"))
    joined_at = begin - timedelta(days=40)
    accounts.update(created_at=joined_at)
    for account in accounts.order_by("pk"):
        balance = promised[str(account.email)]
        is_thrifty = balance == min(promised.values())
        yield Customer(account, keys_of[account.pk], joined_at, 0.4 if is_thrifty else 3, balance, is_thrifty)


def _others(rng: random.Random, begin: datetime, newest: datetime) -> list[Customer]:
    """Make customers who joined before the past begins, and some who join one by one during it."""
    late = len(OTHERS) - JOINED_BEFORE
    joined_at = [begin - timedelta(days=rng.uniform(1, 90)) for _ in range(JOINED_BEFORE)]
    joined_at += [begin + timedelta(days=DAYS * (number + rng.random()) / late) for number in range(late)]
    accounts = Account.objects.bulk_create(
        Account(email=f"{name}@demo.example", password=make_password(None), created_at=min(at, newest))
        for name, at in zip(OTHERS, joined_at, strict=True)
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(user=account, email=account.email, verified=True, primary=True) for account in accounts
    )
    return [_other(account, number) for number, account in enumerate(accounts, 1)]


def _other(account: Account, number: int) -> Customer:
    """Make a customer. The first customers order most; every third has no key and orders by hand only."""
    key = None
    if number % 3:
        keys.create(account, name="Panel")
        key = Key.objects.get(account=account).pk
    return Customer(account, key, account.created_at, 12 / number**0.7)


def top_ups(rng: random.Random, customer: Customer, changes: Sequence[BalanceChange]) -> Iterator[TopUp]:
    """Yield the customer's top-ups: one at the start if a balance is promised, else round sums when money is short."""
    account, joined_at = customer.account.pk, customer.joined_at
    if customer.promised is not None:
        amount = customer.promised - sum(change.amount for change in changes)
        yield TopUp(account, joined_at, amount, ACTOR, "Brought along")
        return
    balance = Decimal(0)
    for change in changes:
        while balance + change.amount < BALANCE_MIN:
            amount = Decimal(rng.choice(ROUND_SUMS))
            yield TopUp(account, change.at - TOP_UP_BEFORE, amount, ACTOR, "Bank transfer")
            balance += amount
        balance += change.amount
