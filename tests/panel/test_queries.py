"""The number of SQL statements of each page, which does not depend on the number of rows."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.urls import reverse

from tests.builders import place
from tests.conftest import Customer
from tests.panel.conftest import Belongings, browser, page

# The number of statements of each page for a signed-in customer. Every page needs four: for the session, the account,
# the balance and the desk's settings.
STATEMENTS = {
    "dashboard": 7,
    "new_order": 6,
    "found_services": 5,
    "mass_order": 4,
    "orders": 7,
    "order": 10,
    "dripfeeds": 5,
    "subscriptions": 5,
    "refills": 5,
    "services": 6,
    "service_changes": 7,
    "money": 7,
    "add_funds": 4,
    "api_docs": 6,
    "console": 4,
    "keys": 5,
    "settings": 4,
}


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count Django's and the engine's statements since the last call."""
    sent: list[object] = []
    execute = psycopg.Cursor.execute

    def counted(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(query)
        return execute(self, query, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)

    def since() -> int:
        number = len(sent)
        sent.clear()
        return number

    return since


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_page_asks_as_often_whatever_there_is_to_show(
    name: str, alice: Customer, belongings: Belongings, count: Callable[[], int]
) -> None:
    client = browser(alice)
    address = reverse(f"panel:{name}", args=[belongings.dripfeed] if name == "order" else [])
    page(client, address)  # fills the caches of this process
    count()
    page(client, address)
    few = count()
    place(alice.id, belongings.service, times=20, runs="2", interval="5")
    count()
    page(client, address)
    assert count() == few == STATEMENTS[name]
