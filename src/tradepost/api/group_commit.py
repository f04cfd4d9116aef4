"""Group commit: requests that wait together are decided, written and committed together.

A lane is one thread with one connection. A batch starts at once when none is in flight, as soon as what lies in the
sockets is read; whatever arrives meanwhile is the next batch. Nothing ever waits for a timer, and each request is
answered when its batch is durable.
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

# Every statement here is a look-up by key or an insert. Plans made once and never by scanning keep it so while tables
# grow from nothing, before anything has been analyzed.
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
    """The database could not be asked, or it is not known whether it did what it was asked."""


type Work[Request, Answer] = Callable[[Connection, Sequence[Request]], list[Answer]]
type Done[Answer] = Callable[[Answer | DatabaseUnavailableError], None]
type _Batch[Request, Answer] = list[tuple[Request, Done[Answer]]]


class Lane[Request, Answer]:
    """Answers requests in batches, in the order they came.

    One that only reads needs no transaction: each of its statements sees what is committed by then either way, and two
    round trips less are most of a small batch.
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
        """Begin to take requests. Call it in the event loop that will make them."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(
            target=self._run, name=self._name, daemon=True
        )  # one made earlier dies in a fork
        self._thread.start()

    def stop(self) -> None:
        """Finish the batches handed over and end."""
        self._batches.put(None)
        self._thread.join(STOP_SECONDS_MAX)

    def ask(self, request: Request, done: Done[Answer]) -> None:
        """Hand in a request; `done` is called in the event loop with its answer, once that is durable.

        It gets `Unavailable` if there is none, and then perhaps at once.
        """
        if len(self._waiting) >= WAITING_MAX:
            done(DatabaseUnavailableError("too many requests are waiting"))
            return
        self._waiting.append((request, done))
        if not self._in_flight:
            self._in_flight = True
            self._loop.call_soon(self._start_batch)  # with all that has come already: it is read by then

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
            except Exception:  # the others' answers are no less durable
                logger.exception("An answer can't be passed on")

    # What follows runs in the lane's own thread.

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
        # One of them broke the batch: each gets its own transaction, so that only that one goes without an answer.
        return [answer for request in requests for answer in self._answer([request])]

    def _in_transaction(self, requests: Sequence[Request]) -> list[Answer]:
        """Do the work and commit. Until COMMIT is sent nothing has happened, so it is done again; after, never."""
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
