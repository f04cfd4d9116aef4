"""The desk's currency, in the API's answers."""

import psycopg

from tests import asking
from tests.conftest import Customer, Desk


def test_the_currency_is_the_next_answers(desk: Desk, alice: Customer, connection: psycopg.Connection) -> None:
    def currency() -> str:
        told: str = asking.post(desk.api_url, data={"key": alice.key, "action": "balance"}).json()["currency"]
        return told

    assert currency() == "USD"
    for other in ("EUR", "USD"):
        connection.execute("ALTER TABLE site_settings DISABLE TRIGGER refuse_currency_change")
        connection.execute("UPDATE site_settings SET currency = %s", [other])
        connection.execute("ALTER TABLE site_settings ENABLE TRIGGER refuse_currency_change")
        connection.commit()
        assert currency() == other
