"""The newest transfers of many customers: of either side, of one kind, of a span of time, and no more than asked."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.conftest import Customer
from tradepost.engine.ledger import TransferKind
from tradepost.ledger import operations, transfers_by_side
from tradepost.ledger.models import LedgerAccount, Transfer

TOP_UP = TransferKind.TOP_UP.value


@pytest.fixture
def accounts(make_customer: Callable[..., Customer], bob: Customer) -> list[int]:
    """The ledger accounts of two customers with two top-ups each, between which others have theirs."""
    customers = [make_customer("5"), make_customer("6")]
    for each in (bob, *customers):
        operations.top_up(each.id, Decimal(2), actor="test")
    return list(LedgerAccount.objects.filter(account__in=[each.id for each in customers]).values_list("pk", flat=True))


def found(accounts: list[int], limit: int = 100, of_kind: str = "", /, **conditions: object) -> list[int]:
    newest = transfers_by_side.newest_of_accounts(Transfer.objects.filter(**conditions), accounts, limit, of_kind)
    return list(newest.order_by("-pk").values_list("pk", flat=True))


def test_the_newest_of_many_customers_are_found(accounts: list[int]) -> None:
    all_four = list(Transfer.objects.filter(credit__in=accounts).order_by("-pk").values_list("pk", flat=True))
    assert len(all_four) == 4
    assert found(accounts) == all_four
    assert found(accounts, 3) == all_four[:3]
    assert found(accounts, 100, TOP_UP, kind=TOP_UP) == all_four
    assert found(accounts, kind=TransferKind.CHARGE.value) == []
    assert found(accounts, at__year=1999) == []
    assert found([]) == []


def test_debits_are_found_as_credits_are(accounts: list[int]) -> None:
    houses = set(Transfer.objects.filter(credit__in=accounts).values_list("debit", flat=True))
    [house] = houses
    assert set(found(accounts)) <= set(found([house]))
    assert found([house], 100, TOP_UP) == []  # a top-up is a credit of the customer's, and only that side is read
