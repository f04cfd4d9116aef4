"""A reference model of the engine's orders and money, in plain Python without SQL and Decimal.

Amounts are whole numbers of hundred-thousandths. An order's id is its place in `Model.orders`.
"""

from dataclasses import dataclass, field

from tradepost.engine.statuses import ACTIVE, TRANSITIONS, Status


def half_up(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounding half up."""
    return (2 * numerator + denominator) // (2 * denominator)


@dataclass
class Ordered:
    """An order. A drip-feed has a number of `runs`; each run is an order with the drip-feed as its `parent`."""

    customer: int
    service: int
    quantity: int
    charge: int
    runs: int = 0
    parent: "Ordered | None" = None
    refunded: int = 0
    status: Status = Status.PENDING
    is_stopped: bool = False
    is_asked_to_cancel: bool = False
    is_refilled: bool = False
    made: "list[Ordered]" = field(default_factory=list)
    remains: int = field(init=False)

    def __post_init__(self) -> None:
        self.remains = self.quantity


@dataclass
class Model:
    """Customers by number, with what they have left, and services by number: (rate in 10⁻⁷, cancel and refill)."""

    balances: list[int]
    services: list[tuple[int, bool]]
    orders: list[Ordered] = field(default_factory=list)
    names: dict[tuple[int, str], tuple[object, Ordered]] = field(default_factory=dict)

    def add(self, customer: int, service: int, quantity: int, runs: int, name: str) -> Ordered | str:
        """Charge an order if the balance covers it, once for each name."""
        told = (service, quantity, runs)
        if name and (customer, name) in self.names:
            first, order = self.names[customer, name]
            return order if first == told else "Idempotency key was used with other parameters"
        total = quantity * max(runs, 1)
        charge = max(1, half_up(self.services[service][0] * total, 1000 * 10**2))
        if charge > self.balances[customer]:
            return "Not enough funds on balance"
        self.balances[customer] -= charge
        order = Ordered(customer, service, total, charge, runs if runs > 1 else 0)
        self.orders.append(order)
        if name:
            self.names[customer, name] = told, order
        return order

    def run(self) -> None:
        """Make the next run of every drip-feed that has one to come."""
        for order in [each for each in self.orders if each.runs and not each.is_stopped]:
            part = len(order.made) + 1
            until, before = (half_up(order.charge * number, order.runs) for number in (part, part - 1))
            run = Ordered(order.customer, order.service, order.quantity // order.runs, until - before, parent=order)
            order.made.append(run)
            order.is_stopped = part == order.runs
            order.status = Status.IN_PROGRESS
            self.orders.append(run)

    def tell(self, order: Ordered, status: Status, remains: int | None) -> None:
        """Move an order on, if that is allowed, and give back what is due."""
        if order.runs:
            if status is Status.CANCELED and order.status in ACTIVE:
                self.stop(order)
            return
        was = order.status
        if (was is status and was in {Status.PARTIAL, Status.CANCELED}) or (
            was is not status and status not in TRANSITIONS[was]
        ):
            return
        order.status = status
        if remains is not None:
            order.remains = max(0, min(remains, order.quantity))
        elif status is Status.COMPLETED:
            order.remains = 0
        if was is not status and status is Status.PARTIAL:
            self._refund(order, half_up(order.charge * order.remains, order.quantity))
        if was is not status and status is Status.CANCELED:
            self._refund(order, order.charge - order.refunded)
        if order.parent:
            self._follow(order.parent)

    def stop(self, order: Ordered) -> bool:
        """Make no more runs of a drip-feed; tell whether anything of it had not left."""
        waiting = [run for run in order.made if run.status is Status.PENDING]
        if order.is_stopped and not waiting:
            return False
        if not order.is_stopped:
            order.is_stopped = True
            self._refund(order, order.charge - half_up(order.charge * len(order.made), order.runs))
        for run in waiting:
            self.tell(run, Status.CANCELED, None)
        self._follow(order)
        return True

    def cancel(self, customer: int, order: Ordered) -> int | str:
        """Cancel what has not left, ask for what has."""
        if order.customer != customer:
            return "Incorrect order ID"
        refused = "You are not eligible to cancel this order."
        if not self.services[order.service][1] or order.status not in ACTIVE:
            return refused
        if order.runs:
            return 1 if self.stop(order) else refused
        if order.status is Status.PENDING:
            self.tell(order, Status.CANCELED, None)
            return 1
        order.is_asked_to_cancel, was_asked = True, order.is_asked_to_cancel
        return refused if was_asked else 1

    def refill(self, customer: int, order: Ordered) -> str:
        """Refill what is completed, one at a time; nothing says that it is accepted."""
        if order.customer != customer:
            return "Incorrect order ID"
        if not self.services[order.service][1]:
            return "Refill is not available for this service"
        if order.status is not Status.COMPLETED or order.runs or order.is_refilled:
            return "You are not eligible to send refill request."
        order.is_refilled = True
        return ""

    def _refund(self, order: Ordered, amount: int) -> None:
        for each in (order, order.parent):
            if each:
                each.refunded += amount
        self.balances[order.customer] += amount

    def _follow(self, order: Ordered) -> None:
        """Bring a drip-feed up to where its runs stand."""
        missing = order.quantity // order.runs * (order.runs - len(order.made))
        order.remains = missing + sum(run.remains for run in order.made)
        if order.is_stopped and not any(run.status in ACTIVE for run in order.made):
            ends = {run.status for run in order.made}
            is_whole = ends == {Status.COMPLETED} and len(order.made) == order.runs
            order.status = (
                Status.COMPLETED if is_whole else Status.CANCELED if ends <= {Status.CANCELED} else Status.PARTIAL
            )
