"""From what a person types or a file says to an order."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from tradepost_client import ORDER_TYPES, GenericOrder
from tradepost_client._cli.connection import Unusable

_BY_NAME = {name.casefold(): each for name, each in ORDER_TYPES.items()}


def build(service: str, fields: Mapping[str, str], type_: str | None = None) -> GenericOrder:
    """Make an order; with a type, check that it has what that type needs and nothing else. Raises `Unusable`."""
    if not service:
        raise Unusable("an order needs a service")
    if type_:
        _check(type_, fields)
    order = GenericOrder(service=service, fields=fields)
    try:
        order.parameters()
    except ValueError as error:
        raise Unusable(str(error)) from None
    return order


def typed(given: Iterable[str], from_files: Iterable[str]) -> dict[str, str]:
    """Read `name=value` pairs, and `name=path` pairs whose value is in the file. Raises `Unusable`."""
    fields = dict(_pair(each) for each in given)
    for name, path in map(_pair, from_files):
        try:
            fields[name] = Path(path).read_text().strip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"{path} can't be read: {error}") from None
    return fields


def _check(type_: str, fields: Mapping[str, str]) -> None:
    order = _BY_NAME.get(type_.casefold())
    if order is None:
        raise Unusable(f"there is no type {type_}; there are {', '.join(ORDER_TYPES)}")
    names = {field.name: field.required for field in msgspec.structs.fields(order) if field.name != "service"}
    missing = [name for name, required in names.items() if required and not fields.get(name)]
    if missing:
        raise Unusable(f"{order.type} needs {', '.join(missing)}")
    unknown = fields.keys() - names.keys()
    if unknown:
        raise Unusable(f"{order.type} does not take {', '.join(sorted(unknown))}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Unusable(f"{text} is no name=value")
    return name, value
