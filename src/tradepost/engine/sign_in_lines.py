"""The log of sign-ins as lines of JSON in a process's log (decision 65)."""

import logging

import msgspec

logger = logging.getLogger("tradepost.sign_ins")


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="log", tag="sign-ins"):
    """An event. The account is an id: logs travel further than the database."""

    kind: str
    account: int | None = None
    login: str = ""
    method: str = ""
    detail: str = ""
    address: str | None = None


def write(line: Line) -> None:
    """Write a line."""
    logger.info(msgspec.json.encode(line).decode())
