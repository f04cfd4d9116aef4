"""Prints the order types and their parameters as Markdown tables: `python -m tradepost.api.openapi.markdown`.

`docs/api-v2.md` contains these tables, and a test checks that they match.
"""

import sys
from collections.abc import Iterable

from tradepost.engine.order_types import PARAMETERS, RULES, Quantity, Rule

_CHARGED = {
    Quantity.GIVEN: "`quantity`",
    Quantity.COMMENTS: "the lines of `comments`",
    Quantity.USERNAMES: "the lines of `usernames`",
    Quantity.PACKAGE: "1, at a flat rate",
    Quantity.POSTS: "`max` × (`posts` + `old_posts`)",
}


def types_table() -> str:
    """Return a table of order types: required and optional parameters (without `service`), quantity charged."""
    rows = [(type_, _required(rule), _optional(rule), charged(rule)) for type_, rule in RULES.items()]
    return _table(("type", "required", "optional", "quantity charged"), rows)


def parameters_table() -> str:
    rows = [(f"`{name}`", parameter.description) for name, parameter in PARAMETERS.items()]
    return _table(("parameter", "what it is"), rows)


def charged(rule: Rule) -> str:
    """Return the quantity charged for an order of this type, in words."""
    return f"{_CHARGED[rule.quantity]}{' × `runs`' if rule.dripfeed else ''}"


def _required(rule: Rule) -> str:
    return ", ".join(f"`{name}`" for name in rule.needs if name != "service")


def _optional(rule: Rule) -> str:
    conditions = {name: f" (required if `{other}` is {value})" for name, other, value in rule.required_when}
    return ", ".join(f"`{name}`{conditions.get(name, '')}" for name in rule.takes)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |".replace("|  |", "| |") for row in (head, *rows)]
    lines.insert(1, f"|{'---|' * len(head)}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{types_table()}\n\n{parameters_table()}\n")
