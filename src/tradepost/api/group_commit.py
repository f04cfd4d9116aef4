"""Group commit: requests that wait at the same time are decided, written and committed in one transaction.

A lane is one thread with one database connection. If the lane is idle, a batch starts as soon as the event loop has
read the bytes that are already in the sockets. Requests that arrive while a batch runs form the next batch. No request
waits for a timer, and each request is answered once its batch is on disk.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence

import psycopg
from psycopg import Connection

from tradepost.engine.exceptions import TradepostError
from tradepost.engine.postgres import TRIES_MAX, is_conflict

logger = logging.getLogger(__name__)

BATCH_MAX = 1_000
WAITING_MAX = 20_000
CONNECT_SECONDS_MAX = 5
STOP_SECONDS_MAX = 2
STATEMENT_MS_MAX = 10_000

# Every statement of a lane looks rows up by key or inserts rows. PostgreSQL would scan small or never analyzed tables,
# and keep doing so while they grow. So plans are made once, and without scans.
OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "plan_cache_mode=force_generic_plan",
        "enable_seqscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
        f"statement_timeout={STATEMENT_MS_MAX}",
        f"idle_in_transaction_session_timeout={STATEMENT_MS_MAX}",
    )
)


class DatabaseUnavailableError(TradepostError):
    """The request has no answer, and it may be unknown whether its transaction was committed.

    The database was away, too many requests were waiting, or our code failed.
    """


type Work[Request, Answer] = Callable[[Connection, Sequence[Request]], list[Answer]]
type Done[Answer] = Callable[[Answer | DatabaseUnavailableError], None]
type _Batch[Request, Answer] = list[tuple[Request, Done[Answer]]]


class Lane[Request, Answer]:
    """Answers requests in batches, in the order in which they came.

    A lane with `reads_only` uses no transaction. Each of its statements sees the data committed by then, as it would
    inside a transaction, and a small batch is much faster without the two round trips for BEGIN and COMMIT.
    """

    def __init__(self, name: str, conninfo: str, work: Work[Request, Answer], *, reads_only: bool = False) -> None:
        self._conninfo = conninfo
        self._reads_only = reads_only
        self._work = work
        self._waiting: _Batch[Request, Answer] = []
        self._in_flight = False
        self._batches: queue.SimpleQueue[_Batch[Request, Answer] | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._name = name

    def start(self) -> None:
        """Start the thread. Call this in the event loop that will call `ask`."""
        self._loop = asyncio.get_running_loop()
        # Not created earlier: a thread does not survive a fork.
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the batches handed to the thread, then end it. Wait at most `STOP_SECONDS_MAX`."""
        self._batches.put(None)
        self._thread.join(STOP_SECONDS_MAX)

    def ask(self, request: Request, done: Done[Answer]) -> None:
        """Add a request to the next batch. `done` is called in the event loop, once the answer is on disk.

        If there is no answer, `done` gets a `DatabaseUnavailableError`. If too many requests wait, it does so at once.
        """
        if len(self._waiting) >= WAITING_MAX:
            done(DatabaseUnavailableError("too many requests are waiting"))
            return
        self._waiting.append((request, done))
        if not self._in_flight:
            self._in_flight = True
            self._loop.call_soon(self._start_batch)  # by then all bytes in the sockets have been read

    def _start_batch(self) -> None:
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        self._in_flight = bool(batch)
        if batch:
            self._batches.put(batch)

    def _finish_batch(
        self, batch: _Batch[Request, Answer], answers: Sequence[Answer | DatabaseUnavailableError]
    ) -> None:
        self._start_batch()
        for (_, done), answer in zip(batch, answers, strict=True):
            try:
                done(answer)
            except Exception:  # the other requests must still get their answers
                logger.exception("An answer can't be passed on")

    # The methods below run in the lane's own thread.

    def _run(self) -> None:
        while (batch := self._batches.get()) is not None:
            answers = self._answer([request for request, _ in batch])
            self._loop.call_soon_threadsafe(self._finish_batch, batch, answers)
        self._disconnect()

    def _answer(self, requests: Sequence[Request]) -> Sequence[Answer | DatabaseUnavailableError]:
        try:
            return self._in_transaction(requests)
        except psycopg.OperationalError as error:
            logger.warning("The database can't be asked: %s", str(error).strip() or type(error).__name__)
            return [DatabaseUnavailableError(str(error))] * len(requests)
        except Exception:
            if len(requests) == 1:
                logger.exception("A request can't be answered: %r", requests[0])
                return [DatabaseUnavailableError("the request can't be answered")]
        # One request broke the batch. Run each in its own transaction, so that only the broken one gets no answer.
        return [answer for request in requests for answer in self._answer([request])]

    def _in_transaction(self, requests: Sequence[Request]) -> list[Answer]:
        """Run the work and commit it.

        If a conflict or a lost connection comes before COMMIT is sent, nothing has been written: run the work again, at
        most `TRIES_MAX` times in all. Once COMMIT is sent, never run it again: it may have been committed.
        """
        for tries_left in reversed(range(TRIES_MAX)):
            connection = self._connect()
            try:
                answers = self._work(connection, requests)
            except psycopg.OperationalError as error:
                again = is_conflict(error)
                if connection.closed:
                    self._disconnect()
                    again = True
                else:
                    connection.rollback()
                if not again or not tries_left:
                    raise
            except BaseException:
                connection.rollback()
                raise
            else:
                self._commit(connection)
                return answers
        raise AssertionError("the last try returns or raises")

    def _commit(self, connection: Connection) -> None:
        try:
            connection.commit()
        except BaseException:
            self._disconnect()
            raise

    def _connect(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._conninfo,
                autocommit=self._reads_only,
                options=OPTIONS,
                connect_timeout=CONNECT_SECONDS_MAX,
                application_name="tradepost api",
            )
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
