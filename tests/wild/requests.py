"""Requests to a desk, sent as they are."""

from decimal import Decimal
from typing import Any

from tests import asking
from tests.conftest import Customer, Desk
from tradepost.ledger.models import LedgerAccount

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
LINK = "https://pixelpond.example/alice"


def send(desk: Desk, content_type: str, body: str | bytes, **more: Any) -> Any:
    """Post a body as it is, and return the JSON of the answer."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = asking.post(desk.api_url, content=body, headers={**headers, **more})
    assert answer.status_code == 200
    return answer.json()


def spent(customer: Customer) -> Decimal:
    balance = LedgerAccount.objects.get(account=customer.id).balance
    assert balance is not None
    return 100 - balance
