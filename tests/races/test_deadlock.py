"""If the engine's work hits a deadlock, it is done again."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.conftest import Customer
from tests.engine.engine_calls import Connect
from tests.races.concurrency import await_blocked
from tradepost.database import in_transaction

LOCK = "SELECT FROM ledger_account WHERE account_id = %s FOR UPDATE"


def test_the_engines_work_is_done_again_after_a_deadlock(connect: Connect, alice: Customer, bob: Customer) -> None:
    other, watch, tries = connect(), connect(), 0
    other.execute("SET deadlock_timeout = '1h'")  # it is the engine's statement that is to meet with the deadlock
    other.execute(LOCK, [alice.id])

    def take_bob() -> None:
        other.execute(LOCK, [bob.id])
        other.rollback()

    def work(connection: psycopg.Connection) -> int:
        nonlocal tries
        tries += 1
        connection.execute("SET LOCAL deadlock_timeout = '10ms'")
        connection.execute(LOCK, [bob.id])
        if tries == 1:
            meeting.submit(take_bob)
            await_blocked(watch, other)
        connection.execute(LOCK, [alice.id])
        return tries

    with ThreadPoolExecutor(1) as meeting:
        assert in_transaction(work) == 2
