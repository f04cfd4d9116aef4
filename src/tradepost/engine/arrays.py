"""Write PostgreSQL array literals. psycopg converts arrays element by element in Python, ten times slower."""

from collections.abc import Iterable
from decimal import Decimal


def of_numbers(values: Iterable[int | Decimal | None]) -> str:
    """Write whole numbers or decimals; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def of_ids(values: Iterable[int | str]) -> str:
    """Write ids. None is not allowed, which takes half the time of `of_numbers`."""
    return "{" + ",".join(map(str, values)) + "}"


def of_flags(values: Iterable[bool]) -> str:
    return "{" + ",".join(["t" if value else "f" for value in values]) + "}"


def of_texts(values: Iterable[str | None]) -> str:
    """Write texts. Each is quoted, so that no character in it has a meaning in SQL; None becomes NULL."""
    quoted = [
        "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
    ]
    return "{" + ",".join(quoted) + "}"


def of_bytes(values: Iterable[bytes]) -> str:
    r"""Write byte strings in hex: `{"\\x0a"}`."""
    return "{" + ",".join(['"\\\\x' + value.hex() + '"' for value in values]) + "}"
