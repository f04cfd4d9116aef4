"""Whatever is ordered and reported, in whatever order: the books are clean, and a small model agrees with them."""

from dataclasses import dataclass, field
from decimal import Decimal

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Customer
from tests.engine.ordering import MakeCustomer, MakeService, ask, balance
from tradepost.engine import checking
from tradepost.engine.placing import Mode, Placed, place
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import TRANSITIONS, Status

RATES = ("0.0012345", "7.7777777")
FUNDS = "0.05"
QUANTITY_MAX = 20


@dataclass(frozen=True)
class Add:
    """One order asked for: by which customer, of which service, how much."""

    customer: int
    service: int
    quantity: int


@dataclass(frozen=True)
class Tell:
    """One report, on the order that was placed `order` places before the last."""

    order: int
    status: Status
    remains: int | None


@dataclass
class Ordered:
    """An order as the model has it; amounts in hundred-thousandths, as whole numbers."""

    customer: int
    quantity: int
    charge: int
    remains: int
    refunded: int = 0
    status: Status = Status.PENDING


@dataclass
class Model:
    """What the engine should do, in a few lines that know no SQL and no Decimal."""

    balances: list[int] = field(default_factory=lambda: [_units(FUNDS, 5), _units(FUNDS, 5)])
    orders: list[Ordered] = field(default_factory=list)

    def add(self, add: Add) -> bool:
        """Charge an order, if the balance covers it."""
        charge = max(1, _half_up(_units(RATES[add.service], 7) * add.quantity, 1000 * 10**2))
        if charge > self.balances[add.customer]:
            return False
        self.balances[add.customer] -= charge
        self.orders.append(Ordered(add.customer, add.quantity, charge, add.quantity))
        return True

    def tell(self, tell: Tell) -> None:
        """Move an order on, if that is allowed, and give back what is due."""
        order = self.orders[-1 - tell.order % len(self.orders)]
        if order.status is tell.status and tell.status in {Status.PARTIAL, Status.CANCELED}:
            return
        if order.status is not tell.status and tell.status not in TRANSITIONS[order.status]:
            return
        was, order.status = order.status, tell.status
        if tell.remains is not None:
            order.remains = max(0, min(tell.remains, order.quantity))
        elif tell.status is Status.COMPLETED:
            order.remains = 0
        if was is not order.status:
            self._refund(order)

    def _refund(self, order: Ordered) -> None:
        due = 0
        if order.status is Status.PARTIAL:
            due = _half_up(order.charge * order.remains, order.quantity)
        if order.status is Status.CANCELED:
            due = order.charge - order.refunded
        order.refunded += due
        self.balances[order.customer] += due


def _units(amount: str, places: int) -> int:
    return int(Decimal(amount).scaleb(places))


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


adds = st.builds(Add, st.integers(0, 1), st.integers(0, 1), st.integers(1, QUANTITY_MAX))
tells = st.builds(Tell, st.integers(0, 5), st.sampled_from(Status), st.none() | st.integers(-1, QUANTITY_MAX + 1))
batches = st.lists(st.lists(adds, min_size=1, max_size=4) | st.lists(tells, min_size=1, max_size=4), max_size=12)


def test_the_model_agrees_with_the_engine_and_the_books_are_clean(
    connection: psycopg.Connection, make_customer: MakeCustomer, make_service: MakeService
) -> None:
    customers = [make_customer(FUNDS), make_customer(FUNDS)]
    services = [make_service(rate=Decimal(rate), min=1, max=QUANTITY_MAX) for rate in RATES]

    @given(batches)
    @settings(max_examples=60, deadline=None)
    def agree(history: list[list[Add] | list[Tell]]) -> None:
        try:
            _play(connection, customers, services, history)
        finally:
            connection.rollback()  # the next history begins with the same funds

    agree()


def _play(
    connection: psycopg.Connection,
    customers: list[Customer],
    services: list[int],
    history: list[list[Add] | list[Tell]],
) -> None:
    model = Model()
    orders: list[int] = []
    for batch in history:
        added = [step for step in batch if isinstance(step, Add)]
        told = [step for step in batch if isinstance(step, Tell)] if orders else []
        requests = [ask(customers[add.customer], services[add.service], quantity=add.quantity) for add in added]
        answers = place(connection, requests, mode=Mode.API)
        assert [isinstance(answer, Placed) for answer in answers] == [model.add(add) for add in added]
        orders += [answer.order for answer in answers if isinstance(answer, Placed)]
        reports = [Report(orders[-1 - tell.order % len(orders)], tell.status, None, tell.remains) for tell in told]
        settle(connection, reports, actor="test")
        for tell in told:
            model.tell(tell)
        _compare(connection, customers, orders, model)
    assert list(checking.check(connection)) == []


def _compare(connection: psycopg.Connection, customers: list[Customer], orders: list[int], model: Model) -> None:
    assert [_units(str(balance(connection, customer)), 5) for customer in customers] == model.balances
    rows = connection.execute(
        "SELECT status, remains, (charge * 100000)::int, (refunded * 100000)::int, refunded <= charge"
        " FROM orders_order WHERE id = ANY(%s) ORDER BY id",
        [orders],
    ).fetchall()
    assert rows == [(order.status, order.remains, order.charge, order.refunded, True) for order in model.orders]
