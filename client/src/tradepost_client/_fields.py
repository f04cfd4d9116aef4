"""The fields of a panel's JSON object, by names in any case and spelling: `Order`, `order_id`, `orderId`."""

from collections.abc import Iterable
from functools import lru_cache

from tradepost_client import _values
from tradepost_client._json import Json
from tradepost_client._spelling import letters_and_digits

type Object = dict[str, Json]
"""An object by its keys as the panel wrote them."""

type Fields = dict[str, Json]
"""An object by its plain names: lower case, letters and digits only."""


def plain(fields: Object) -> Fields:
    """Return an object by its plain names.

    If several keys have one plain name, a value that can be an id wins, so that no order is lost behind another key;
    then one that is not empty, then that of the key that is written plainly.
    """
    named: Fields = {}
    key_of: dict[str, str] = {}
    for key, value in fields.items():
        name = _plain_name(key)
        if name not in named or _rank(name, key, value) > _rank(name, key_of[name], named[name]):
            named[name], key_of[name] = value, key
    return named


def _rank(name: str, key: str, value: Json) -> tuple[bool, bool, bool]:
    return _values.id_(value) is not None, bool(value), key == name


def first(fields: Fields, names: Iterable[str]) -> Json:
    """Return the value of the first of these plain names that has one; None if none has."""
    return next((value for name in names if not _is_missing(value := fields.get(name))), None)


def _is_missing(value: Json) -> bool:
    return value is None or value == ""


_plain_name = lru_cache(maxsize=1024)(letters_and_digits)
