"""An account orders with several keys and on the panel, in one batch that has to wait for the account's lock."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg

from tests.conftest import Customer
from tests.engine.engine_calls import Connect, ask, place_all
from tests.races.concurrency import await_blocked
from tradepost.accounts import keys
from tradepost.accounts.models import Account
from tradepost.engine import ledger
from tradepost.engine.keys import digest
from tradepost.engine.placing import OrderRequest


def test_every_key_is_known_after_a_wait_for_the_lock(
    connect: Connect, alice: Customer, bob: Customer, service: int
) -> None:
    waiting, holder = connect(), connect()
    another = digest(keys.create(Account.objects.get(pk=alice.id)))
    parameters = ask(alice, service).parameters
    batch = [OrderRequest(alice.digest, parameters), OrderRequest(another, parameters), ask(bob, service)]
    for each in (alice, bob):
        ledger.top_up(holder, each.id, Decimal(1), actor="test")
    with ThreadPoolExecutor(1) as thread:
        placing = thread.submit(place_and_commit, waiting, batch)
        await_blocked(connect(), waiting)
        holder.commit()
        assert all(isinstance(answer, int) for answer in placing.result())


def place_and_commit(connection: psycopg.Connection, batch: Sequence[OrderRequest]) -> list[int | str]:
    answers = place_all(connection, *batch)
    connection.commit()
    return answers
