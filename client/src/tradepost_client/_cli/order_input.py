"""Making an order from command-line arguments or from a row of a file."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tradepost_client import ORDER_TYPES, GenericOrder, order_type
from tradepost_client._cli.connection import UsageError


def build_order(service: str, fields: Mapping[str, str], type_: str | None = None) -> GenericOrder:
    """Make an order. Given a type, check that the fields are exactly those of the type. Raises `UsageError`."""
    if not service:
        raise UsageError("an order needs a service")
    if type_:
        _check(type_, fields)
    order = GenericOrder(service=service, fields=fields)
    try:
        order.parameters()
    except ValueError as error:
        raise UsageError(str(error)) from None
    return order


def parse_fields(pairs: Iterable[str], file_pairs: Iterable[str]) -> dict[str, str]:
    """Parse `name=value` pairs, and `name=path` pairs whose value is the file's text. Raises `UsageError`."""
    fields = dict(map(_parse_pair, pairs))
    for name, path in map(_parse_pair, file_pairs):
        try:
            fields[name] = Path(path).read_text().strip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} can't be read: {error}") from None
    return fields


def _check(type_: str, fields: Mapping[str, str]) -> None:
    order = order_type(type_)
    if order is None:
        raise UsageError(f"there is no type {type_}; there are {', '.join(ORDER_TYPES)}")
    names = {field.name: field.required for field in msgspec.structs.fields(order) if field.name != "service"}
    missing = [name for name, required in names.items() if required and not fields.get(name)]
    if missing:
        raise UsageError(f"{order.type} needs {', '.join(missing)}")
    unknown = fields.keys() - names.keys()
    if unknown:
        raise UsageError(f"{order.type} does not take {', '.join(sorted(unknown))}")


def _parse_pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"{text} is no name=value")
    return name, value
