"""Whatever is ordered, retried, told, canceled and refilled: the books are clean, and a model agrees with them."""

from dataclasses import dataclass
from decimal import Decimal

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Customer
from tests.engine.engine_calls import MakeCustomer, MakeService, ask, balance
from tests.engine.reference_model import Model, Ordered
from tradepost.engine import books_check
from tradepost.engine.cancelling import CancelOf, cancel
from tradepost.engine.drip_feeds import make_due
from tradepost.engine.errors import Refusal
from tradepost.engine.placing import Mode, OrderRequest, Placed, place
from tradepost.engine.refilling import RefillOf, refill
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status

RATES = ("0.0012345", "7.7777777")  # the first has cancel and refill
FUNDS = "0.05"
QUANTITY_MAX = 20
STATUSES = [Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS, Status.COMPLETED, Status.PARTIAL, Status.CANCELED]


@dataclass(frozen=True)
class Add:
    """Orders asked for together: by which customer, of which service, how much, in how many runs, by what name."""

    orders: list[tuple[int, int, int, int, str]]


@dataclass(frozen=True)
class Tell:
    """Reports told together, each on the order that was made so many places before the last."""

    reports: list[tuple[int, Status, int | None]]


@dataclass(frozen=True)
class Cancel:
    """A customer asks to cancel an order, his own or not."""

    customer: int
    order: int


@dataclass(frozen=True)
class Refill:
    """A customer asks for a refill."""

    customer: int
    order: int


@dataclass(frozen=True)
class Run:
    """The next run of every drip-feed is due."""


customers, back = st.integers(0, 1), st.integers(0, 7)
runs = st.sampled_from([0, 0, 0, 1, 2, 3])
names = st.sampled_from(["", "", "a", "b"])
asked = st.tuples(customers, st.integers(0, 1), st.integers(1, QUANTITY_MAX), runs, names)
told = st.tuples(back, st.sampled_from(STATUSES), st.none() | st.integers(-1, QUANTITY_MAX + 1))
steps = (
    st.builds(Add, st.lists(asked, min_size=1, max_size=4))
    | st.builds(Tell, st.lists(told, min_size=1, max_size=4))
    | st.builds(Cancel, customers, back)
    | st.builds(Refill, customers, back)
    | st.just(Run())
)


def test_the_model_agrees_with_the_engine_and_the_books_are_clean(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    people = [make_customer(FUNDS), make_customer(FUNDS)]
    services = [
        make_service(rate=Decimal(rate), min=1, max=3 * QUANTITY_MAX, dripfeed=True, cancel=good, refill=good)
        for rate, good in zip(RATES, (True, False), strict=True)
    ]

    @given(st.lists(steps, max_size=14))
    @settings(max_examples=150)
    def agree(history: list[Add | Tell | Cancel | Refill | Run]) -> None:
        try:
            desk = Desk(connection, people, services)
            for step in history:
                desk.play(step)
                desk.compare()
            assert list(books_check.check(connection)) == []
        finally:
            connection.rollback()  # the next history begins with the same funds

    agree()


class Desk:
    """The engine beside its model; `ids` are the orders of the database, in the model's order."""

    def __init__(self, connection: psycopg.Connection, people: list[Customer], services: list[int]) -> None:
        self.connection, self.people, self.services = connection, people, services
        rates = [int(Decimal(rate).scaleb(7)) for rate in RATES]
        self.model = Model([_units(FUNDS)] * len(people), list(zip(rates, (True, False), strict=True)))
        self.ids: list[int] = []

    def play(self, step: Add | Tell | Cancel | Refill | Run) -> None:
        """Do a step, here and in the model; what both answer is the same."""
        if isinstance(step, Add):
            self._add(step)
        elif isinstance(step, Run):
            self._run()
        elif self.ids and isinstance(step, Tell):
            self._tell(step)
        elif self.ids and isinstance(step, Cancel):
            asked_to = CancelOf(by=self.people[step.customer].digest, orders=[str(self._id(step.order))])
            [answers] = cancel(self.connection, [asked_to], actor="test")
            expected = self.model.cancel(step.customer, self._order(step.order))
            assert isinstance(answers, list)
            assert [str(answer) for answer in answers] == [str(expected)]
        elif self.ids and isinstance(step, Refill):
            wanted = RefillOf(by=self.people[step.customer].digest, orders=[str(self._id(step.order))])
            [refills] = refill(self.connection, [wanted])
            assert isinstance(refills, list)
            refused = self.model.refill(step.customer, self._order(step.order))
            assert [str(answer) if isinstance(answer, Refusal) else "" for answer in refills] == [refused]

    def _add(self, step: Add) -> None:
        requests = [self._request(*wanted) for wanted in step.orders]
        answers = place(self.connection, requests, mode=Mode.API)
        for wanted, answer in zip(step.orders, answers, strict=True):
            expected = self.model.add(*wanted)
            if not isinstance(answer, Placed):
                assert expected == str(answer)
                continue
            assert isinstance(expected, Ordered)
            if answer.order not in self.ids:
                self.ids.append(answer.order)
            assert self._order_of(answer.order) is expected

    def _request(self, customer: int, service: int, quantity: int, runs: int, name: str) -> OrderRequest:
        extra = {"runs": runs, "interval": 1} if runs else {}
        plain = ask(self.people[customer], self.services[service], quantity=quantity, **extra)
        return OrderRequest(plain.buyer, plain.parameters, idempotency_key=name or None)

    def _tell(self, step: Tell) -> None:
        reports = [Report(self._id(order), status, None, remains) for order, status, remains in step.reports]
        settle(self.connection, reports, actor="test")
        for order, status, remains in step.reports:
            self.model.tell(self._order(order), status, remains)

    def _run(self) -> None:
        self.connection.execute(
            "UPDATE orders_dripfeed SET due_at = now() WHERE order_id = ANY(%s) AND due_at IS NOT NULL", [self.ids]
        )
        make_due(self.connection)
        self.model.run()
        new = "SELECT id FROM orders_order WHERE parent_id = ANY(%s) AND NOT id = ANY(%s) ORDER BY parent_id"
        self.ids += [id_ for (id_,) in self.connection.execute(new, [self.ids, self.ids])]

    def _id(self, back_from_last: int) -> int:
        return self.ids[-1 - back_from_last % len(self.ids)]

    def _order(self, back_from_last: int) -> Ordered:
        return self._order_of(self._id(back_from_last))

    def _order_of(self, id_: int) -> Ordered:
        return self.model.orders[self.ids.index(id_)]

    def compare(self) -> None:
        """Hold every balance and every order against the model."""
        assert [_units(str(balance(self.connection, each))) for each in self.people] == self.model.balances
        rows = self.connection.execute(
            "SELECT status, remains, (charge * 100000)::int, (refunded * 100000)::int, refunded <= charge"
            " FROM orders_order JOIN unnest(%s::bigint[]) WITH ORDINALITY AS own (id, place) USING (id) ORDER BY place",
            [self.ids],
        ).fetchall()
        assert rows == [(each.status, each.remains, each.charge, each.refunded, True) for each in self.model.orders]


def _units(amount: str) -> int:
    return int(Decimal(amount).scaleb(5))
