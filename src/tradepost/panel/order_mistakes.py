"""All mistakes of an order at once. The engine stops at an order's first mistake, as the API's answer has one only."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tradepost.engine import order_types
from tradepost.engine.catalog import Service
from tradepost.engine.errors import Refusal
from tradepost.engine.link_rules import KIND_PATTERNS, LinkKind, compile_stored_rule
from tradepost.engine.order_types import PARAMETERS, QUANTITY_MAX, RULES, Draft, Terms
from tradepost.panel.order_fields import field_name_for
from tradepost.panel.refusal_messages import message_for

RIGHT_LINK = "https://example.com/"
# The charge does not depend on any other parameter.
CHARGED_BY = frozenset({"quantity", "comments", "usernames", "runs", "min", "max", "posts", "old_posts"})


class OrderCheck(NamedTuple):
    """The sentences about an order's wrong fields, by name, and its quantity to charge for, if that is known."""

    mistakes: dict[str, str]
    quantity: int | None

    def of_filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the mistakes without those of fields that are still empty: the customer may not be there yet."""
        return {name: mistake for name, mistake in self.mistakes.items() if values.get(name)}


def check(service: Service, values: Mapping[str, str]) -> OrderCheck:
    """Check an order: note a wrong field, go on with a right value in its place, and so on."""
    rule, terms, right = RULES[service.type], service.terms, dict(values)
    refusals: dict[str, Refusal] = {}
    draft: Draft | None = None
    while draft is None:
        try:
            draft = order_types.parse_order(terms, right)
        except Refusal as refusal:
            name = field_name_for(service, refusal)
            if not name or name in refusals:
                break
            refusals[name] = refusal
            right[name] = _right_value(terms, name)
            if name == "link":
                terms = msgspec.structs.replace(terms, link_rule=None)
            elif name == rule.quantity:
                terms = msgspec.structs.replace(terms, min=1, max=QUANTITY_MAX)
    mistakes = {name: message_for(refusal, service, values.get(name, "")) for name, refusal in refusals.items()}
    return OrderCheck(mistakes, draft.quantity if draft and not CHARGED_BY & refusals.keys() else None)


def is_doubtful(service: Service, link: str) -> bool:
    """Return whether a service that takes any text gets one that is neither a web address nor a name."""
    looks_right = compile_stored_rule(KIND_PATTERNS[LinkKind.EITHER])
    is_free = service.link_kind is LinkKind.ANY and service.terms.link_rule is None
    return is_free and bool(link and looks_right) and not (looks_right and looks_right.fullmatch(link))


def _right_value(terms: Terms, name: str) -> str:
    own = {"link": RIGHT_LINK, "quantity": str(terms.min), "min": str(terms.min), "max": str(terms.max), "runs": "1"}
    return own.get(name) or PARAMETERS[name].example
