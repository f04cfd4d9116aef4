"""The dialects of API v2 that panels speak (docs/protocol.md §5): the same answers in different forms."""

import html
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
    wrapped: bool = False  # every answer stands in `data`, beside `success`, `code` and `message`
    capitals: bool = False  # keys begin with a capital
    names: Mapping[str, str] = {}  # other names of fields
    decimal_commas: bool = False
    escapes: bool = False  # texts of services are escaped as HTML, and types written like `custom_comments`
    nested: bool = False  # `cancel` and `status` of refills hold objects with the status


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
WRAPPED = Dialect(
    wrapped=True,
    capitals=True,
    names={"rate": "price", "min": "minimum", "max": "maximum", "description": "desc", "average_time": "time",
           "cancel": "canceling", "remains": "remain"},
    decimal_commas=True,
    escapes=True,
    nested=True,
    statuses={"In progress": "in_progress", "Canceled": "CANCELLED"},
)  # fmt: skip
_DIGITS = frozenset({"charge", "start_count", "remains", "rate", "min", "max", "balance"})
_FLAGS = frozenset({"refill", "cancel", "dripfeed"})
_AMOUNTS = frozenset({"rate", "charge", "balance"})
_TEXTS = frozenset({"name", "category", "description"})


def put(value: Any, action: str, dialect: Dialect) -> Any:
    """Return an answer in this dialect."""
    if isinstance(value, dict) and "error" in value:
        return {"success": False, "code": 400, "message": value["error"]} if dialect.wrapped else value
    answer = _with_capitals(_answer(value, action, dialect)) if dialect.capitals else _answer(value, action, dialect)
    return {"success": True, "code": 200, "message": "OK", "data": answer} if dialect.wrapped else answer


def _answer(value: Any, action: str, dialect: Dialect) -> Any:
    if action == "add":
        return {dialect.order_name: str(value["order"]) if dialect.ids_as_strings else value["order"]}
    if action == "services":
        return _services([_fields(service, dialect) for service in value], dialect)
    if action == "balance":
        return {dialect.balance_in: _fields(value, dialect)} if dialect.balance_in else _fields(value, dialect)
    if action == "status":
        return _status(value, dialect)
    if action in {"cancel", "refill_status"} and dialect.nested:
        name = "cancel" if action == "cancel" else "status"
        return [{**entry, name: _nested(entry[name])} for entry in value] if isinstance(value, list) else value
    return value


def _nested(answer: Any) -> Any:
    """Return an answer about one id as an object with a status; an error already is an object."""
    return answer if isinstance(answer, dict) else {"status": "Success" if answer == 1 else answer}


def _with_capitals(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_capitals(item) for item in value]
    if isinstance(value, dict):
        return {key.capitalize(): _with_capitals(item) for key, item in value.items()}
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
    return {dialect.names.get(name, name): _field(name, value, dialect) for name, value in fields.items()}


def _field(name: str, value: Any, dialect: Dialect) -> Any:
    if name in _FLAGS and isinstance(value, bool):
        return dialect.flags[0 if value else 1]
    if name == "status":
        return dialect.statuses.get(value, value)
    if name in _DIGITS and dialect.numbers:
        return msgspec.Raw(value.encode())  # keeps all digits, which a float would not
    if name in _AMOUNTS and dialect.decimal_commas:
        return value.replace(".", ",")
    if name == "type" and dialect.escapes:
        return value.lower().replace(" ", "_")
    return html.escape(value) if name in _TEXTS and dialect.escapes else value
