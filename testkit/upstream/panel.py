"""The state and the rules of an upstream panel: services, orders, refills, a balance. No network here.

Nothing is shared with Tradepost's engine, so that the two can't have the same bug.
"""

import random
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

KEY = "upstream-key-0123456789"
IDS_MAX = 100
OVER = frozenset({"Completed", "Partial", "Canceled"})


class Offer(msgspec.Struct):
    """A service on sale."""

    service: int
    name: str = "Pixelpond Followers"
    type: str = "Default"
    category: str = "Pixelpond"
    rate: Decimal = Decimal("0.90")
    min: int = 10
    max: int = 10_000
    refill: bool = True
    cancel: bool = True
    dripfeed: bool = True


class Order(msgspec.Struct):
    """An accepted order and its status. `fault` is the fault that struck the answer to its `add`."""

    order: int
    parameters: dict[str, str]
    fault: str | None
    quantity: int
    charge: Decimal
    status: str = "Pending"
    start_count: int | None = None
    remains: int = 0


class Manners(msgspec.Struct):
    """How a panel deviates from the documentation. Tests change these while the panel runs."""

    refuses: dict[int, str] = {}  # service: the words by which its orders are refused
    refuses_all: str = ""  # the words by which every order is refused
    refuses_next: list[str] = []  # the words by which the next orders are refused, one each
    funds_max: Decimal | None = None  # an order that costs more is refused for want of money
    balance: Any = None  # the answer to `balance`, if not the documented one
    lists_refused: str = ""  # the words by which a request with a list of ids is refused
    bad_id_spoils: bool = False  # one unknown id, and the whole request is refused
    no_remains: bool = False  # the status of an order does not say how much remains
    no_such_action: frozenset[str] = frozenset()


class Panel:
    """An upstream panel, safe to use from any thread."""

    def __init__(
        self,
        offers: Sequence[Offer] = (Offer(1),),
        *,
        key: str = KEY,
        balance: Decimal = Decimal(1_000_000),
        takes_idempotency_keys: bool = False,
        seed: int = 0,
    ) -> None:
        self.offers = {
            offer.service: msgspec.structs.replace(offer) for offer in offers
        }  # copies, since the panel changes their rates
        self._first_rates = {offer.service: offer.rate for offer in offers}
        self.key = key
        self.balance = balance
        self.takes_idempotency_keys = takes_idempotency_keys
        self.manners = Manners()
        self.orders: dict[int, Order] = {}
        self.refills: dict[int, str] = {}
        self._order_of_key: dict[str, int] = {}
        self._random = random.Random(seed)
        self._lock = threading.RLock()

    @property
    def accepted(self) -> list[Order]:
        """The accepted orders, oldest first."""
        with self._lock:
            return list(self.orders.values())

    def answer(self, parameters: Mapping[str, str], fault: str | None = None) -> Any:
        """Process a request and return the answer as Python objects."""
        with self._lock:
            if parameters.get("key") != self.key:
                return {"error": "Invalid API key"}
            action = getattr(self, f"_{parameters.get('action', '')}", None)
            if action is None or parameters["action"] not in ACTIONS - self.manners.no_such_action:
                return {"error": "Incorrect request"}
            if self.manners.lists_refused and ("orders" in parameters or "refills" in parameters):
                return {"error": self.manners.lists_refused}
            answer = action(parameters, fault)
            return {"error": "Incorrect order ID"} if self._is_spoilt(answer) else answer

    def advance(self, order: int, status: str, *, remains: int | None = None, start_count: int | None = None) -> None:
        """Move an order to a status. If it is Completed, the remains are 0."""
        with self._lock:
            moved = self.orders[order]
            moved.status = status
            moved.remains = 0 if status == "Completed" else moved.remains if remains is None else remains
            moved.start_count = start_count if start_count is not None else moved.start_count or 1_000 + order

    def advance_all(self) -> None:
        """Move every active order one step on: to In progress, then mostly to Completed."""
        with self._lock:
            for order in self.orders.values():
                if order.status == "Pending":
                    self.advance(order.order, "In progress", remains=order.quantity // 2)
                elif order.status not in OVER:
                    end = self._random.choices(["Completed", "Partial", "Canceled"], [85, 10, 5])[0]
                    self.advance(order.order, end, remains=order.quantity if end == "Canceled" else None)
            self.refills = dict.fromkeys(self.refills, "Completed")

    def change_rates(self) -> None:
        """Set all rates to a tenth above or below the first ones, for orders from now on."""
        with self._lock:
            factor = self._random.choice([Decimal("0.9"), Decimal("1.1")])
            for service, offer in self.offers.items():
                offer.rate = (self._first_rates[service] * factor).quantize(Decimal("0.0001"))

    def _is_spoilt(self, answer: Any) -> bool:
        if not self.manners.bad_id_spoils or not isinstance(answer, dict | list):
            return False
        entries = answer if isinstance(answer, list) else answer.values()
        return any("error" in str(entry) for entry in entries)

    def _refusal(self, service: int, charge: Decimal) -> str:
        manners = self.manners
        if manners.refuses_next:
            return manners.refuses_next.pop(0)
        if charge > self.balance or (manners.funds_max is not None and charge > manners.funds_max):
            return "Not enough funds on balance"
        return manners.refuses_all or manners.refuses.get(service, "")

    def _services(self, _: Mapping[str, str], __: str | None) -> Any:
        return [
            {
                "service": offer.service, "name": offer.name, "type": offer.type, "category": offer.category,
                "rate": str(offer.rate), "min": str(offer.min), "max": str(offer.max),
                "refill": offer.refill, "cancel": offer.cancel, "dripfeed": offer.dripfeed,
                "description": "", "average_time": "1 hour",
            }
            for offer in self.offers.values()
        ]  # fmt: skip

    def _balance(self, _: Mapping[str, str], __: str | None) -> Any:
        return self.manners.balance or {"balance": str(self.balance), "currency": "USD"}

    def _add(self, parameters: Mapping[str, str], fault: str | None) -> Any:
        name = parameters.get("idempotency_key", "") if self.takes_idempotency_keys else ""
        if name in self._order_of_key:
            return {"order": self._order_of_key[name]}
        offer = self.offers.get(int(parameters.get("service", "0")))
        if offer is None:
            return {"error": "Incorrect service ID"}
        if not parameters.get("link") and offer.type != "Subscriptions":
            return {"error": "Bad link"}
        quantity = _quantity(parameters)
        if quantity < offer.min and offer.type == "Default":
            return {"error": f"Quantity less than minimal {offer.min}"}
        charge = offer.rate * quantity / 1000
        refusal = self._refusal(offer.service, charge)
        if refusal:
            return {"error": refusal}
        self.balance -= charge
        order = 1 + len(self.orders)
        without_key = {field: value for field, value in parameters.items() if field != "key"}
        self.orders[order] = Order(order, without_key, fault, quantity, charge, remains=quantity)
        if name:
            self._order_of_key[name] = order
        return {"order": order}

    def _status(self, parameters: Mapping[str, str], _: str | None) -> Any:
        if "orders" not in parameters:
            return self._standing(parameters.get("order", ""))
        ids = parameters["orders"].split(",")
        return {id_: self._standing(id_) for id_ in ids} if len(ids) <= IDS_MAX else {"error": "Incorrect request"}

    def _standing(self, id_: str) -> Any:
        order = self.orders.get(int(id_)) if id_.isdigit() else None
        if order is None:
            return {"error": "Incorrect order ID"}
        standing = {
            "charge": str(order.charge), "start_count": str(order.start_count or 0), "status": order.status,
            "remains": str(order.remains), "currency": "USD",
        }  # fmt: skip
        if self.manners.no_remains:
            del standing["remains"]
        return standing

    def _refill(self, parameters: Mapping[str, str], _: str | None) -> Any:
        if "orders" not in parameters:
            made = self._refill_one(parameters.get("order", ""))
            return made if isinstance(made, dict) else {"refill": str(made)}
        return [{"order": int(id_), "refill": self._refill_one(id_)} for id_ in parameters["orders"].split(",")]

    def _refill_one(self, id_: str) -> Any:
        order = self.orders.get(int(id_))
        if order is None:
            return {"error": "Incorrect order ID"}
        if order.status != "Completed":
            return {"error": "You are not eligible to send refill request."}
        refill = 1 + len(self.refills)
        self.refills[refill] = "Pending"
        return refill

    def _refill_status(self, parameters: Mapping[str, str], _: str | None) -> Any:
        if "refills" not in parameters:
            status = self.refills.get(int(parameters.get("refill", "0")))
            return {"status": status} if status else {"error": "Refill not found"}
        ids = [int(id_) for id_ in parameters["refills"].split(",")]
        return [{"refill": id_, "status": self.refills.get(id_) or {"error": "Refill not found"}} for id_ in ids]

    def _cancel(self, parameters: Mapping[str, str], _: str | None) -> Any:
        ids = parameters.get("orders", parameters.get("order", "")).split(",")
        return [{"order": int(id_), "cancel": self._cancel_one(id_)} for id_ in ids]

    def _cancel_one(self, id_: str) -> Any:
        order = self.orders.get(int(id_))
        if order is None:
            return {"error": "Incorrect order ID"}
        if order.status in OVER:
            return {"error": "You are not eligible to cancel this order."}
        self.balance += order.charge
        order.status, order.charge = "Canceled", Decimal(0)
        return 1


ACTIONS = frozenset({"services", "add", "status", "refill", "refill_status", "cancel", "balance"})


def _quantity(parameters: Mapping[str, str]) -> int:
    if "quantity" in parameters:
        return int(parameters["quantity"]) * max(int(parameters.get("runs", "1")), 1)
    lines = parameters.get("comments") or parameters.get("usernames") or "1"
    return len(lines.splitlines())
