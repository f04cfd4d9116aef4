"""The dialects of API v2 that panels speak (docs/protocol.md §5): the same answers in different forms."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How a panel writes its answers. The defaults follow the published documentation."""

    content_type: str = "application/json"
    order_name: str = "order"  # the name of the order's id in the answer to `add`
    ids_as_strings: bool = False
    numbers: bool = False  # write numbers where the documentation has strings of digits
    services_in: str = ""  # "" an array, "by id" an object, other values the name of an array in an object
    balance_in: str = ""  # the name of an object around the balance, if any
    flags: tuple[Any, Any] = (True, False)
    statuses: Mapping[str, str] = {}


ODD = Dialect(
    content_type="text/html; charset=UTF-8",
    order_name="order_id",
    ids_as_strings=True,
    numbers=True,
    services_in="by id",
    balance_in="data",
    flags=("1", 0),
    statuses={"Canceled": "Cancelled", "In progress": "Inprogress", "Partial": "Partially Completed", "Pending": "0"},
)
_DIGITS = frozenset({"charge", "start_count", "remains", "rate", "min", "max", "balance"})
_FLAGS = frozenset({"refill", "cancel", "dripfeed"})


def put(value: Any, action: str, dialect: Dialect) -> Any:
    """Return an answer in this dialect."""
    if isinstance(value, dict) and "error" in value:
        return value
    if action == "add":
        return {dialect.order_name: str(value["order"]) if dialect.ids_as_strings else value["order"]}
    if action == "services":
        return _services([_fields(service, dialect) for service in value], dialect)
    if action == "balance":
        return {dialect.balance_in: _fields(value, dialect)} if dialect.balance_in else _fields(value, dialect)
    if action == "status":
        return _status(value, dialect)
    return value


def _status(value: dict[str, Any], dialect: Dialect) -> Any:
    if "status" in value:
        return _fields(value, dialect)
    return {id_: _fields(order, dialect) for id_, order in value.items()}


def _services(services: list[dict[str, Any]], dialect: Dialect) -> Any:
    if dialect.services_in == "by id":
        return {str(service.pop("service")): service for service in services}
    return {dialect.services_in: services} if dialect.services_in else services


def _fields(fields: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    return {name: _field(name, value, dialect) for name, value in fields.items()}


def _field(name: str, value: Any, dialect: Dialect) -> Any:
    if name in _FLAGS and isinstance(value, bool):
        return dialect.flags[0 if value else 1]
    if name == "status":
        return dialect.statuses.get(value, value)
    if name in _DIGITS and dialect.numbers:
        return msgspec.Raw(value.encode())  # keeps all digits, which a float would not
    return value
