"""The fields of order forms: a label and a widget for each parameter in the engine's table of order types."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tradepost.engine.catalog import Service
from tradepost.engine.errors import (
    BadLink,
    IncorrectParameter,
    LinkHasActiveOrder,
    QuantityTooLarge,
    QuantityTooSmall,
    Refusal,
)
from tradepost.engine.link_rules import LinkRule
from tradepost.engine.order_types import DELAYS, RULES, Quantity
from tradepost.panel.grouped_numbers import ungrouped
from tradepost.panel.refusal_messages import LINK_HINTS

type Text = str | Promise

_BARE_ADDRESS = re.compile(r"(?:[\w-]+\.)+[^\W\d_]{2,}/")


class FieldSpec(NamedTuple):
    """How a form shows a parameter. `widget` is text, url, number, lines or select."""

    label: Text
    widget: str = "text"
    hint: Text = ""
    choices: tuple[tuple[str, Text], ...] = ()


FIELD_SPECS: dict[str, FieldSpec] = {
    "link": FieldSpec(_("Link"), "url"),
    "quantity": FieldSpec(_("Quantity"), "number"),
    "runs": FieldSpec(_("Runs"), "number", _("Number of runs. Leave empty to deliver once.")),
    "interval": FieldSpec(_("Minutes between runs"), "number"),
    "answer_number": FieldSpec(_("Number of the answer"), "number"),
    "comments": FieldSpec(_("Comments"), "lines", _("One comment per line.")),
    "country": FieldSpec(_("Country"), hint=_("A code like US, or WW for everywhere.")),
    "delay": FieldSpec(_("Delay in minutes"), "select", choices=tuple((str(delay), str(delay)) for delay in DELAYS)),
    "device": FieldSpec(
        _("Device"),
        "select",
        choices=(
            ("1", _("Desktop")), ("2", _("Mobile (Android)")), ("3", _("Mobile (iOS)")), ("4", _("Mobile (mixed)")),
            ("5", _("Mobile and desktop")),
        ),
    ),
    "expiry": FieldSpec(_("Last day"), hint=_("Like 31/12/2030. Leave empty for no end date.")),
    "google_keyword": FieldSpec(_("Search keyword")),
    "groups": FieldSpec(_("Groups"), "lines", _("One per line.")),
    "hashtag": FieldSpec(_("Hashtag")),
    "hashtags": FieldSpec(_("Hashtags"), "lines", _("One per line.")),
    "keywords": FieldSpec(_("Keywords"), "lines", _("One per line.")),
    "max": FieldSpec(_("Maximum per post"), "number"),
    "media": FieldSpec(_("Link of the post")),
    "min": FieldSpec(_("Minimum per post"), "number"),
    "old_posts": FieldSpec(_("Old posts"), "number"),
    "posts": FieldSpec(_("Number of new posts"), "number"),
    "referring_url": FieldSpec(_("Referring address")),
    "type_of_traffic": FieldSpec(
        _("Where visitors come from"),
        "select",
        choices=(("1", _("A search engine")), ("2", _("A referring address")), ("3", _("Nowhere: direct"))),
    ),
    "username": FieldSpec(_("Username")),
    "usernames": FieldSpec(_("Usernames"), "lines", _("One per line.")),
}  # fmt: skip


class Field(NamedTuple):
    """A parameter in the form of one service, with the customer's value and its mistake, if there is one."""

    name: str
    look: FieldSpec
    value: str
    mistake: str
    is_required: bool
    hint: Text = ""
    least: int | None = None
    most: int | None = None
    has_focus: bool = False


def fields_of(service: Service, values: Mapping[str, str], mistakes: Mapping[str, str]) -> list[Field]:
    """Return the form's fields for an order of this service, each with its mistake.

    The first wrong field gets the focus; without mistakes, the first field does.
    """
    names = names_of(service)
    focused = next((name for name in names if name in mistakes), names[0] if names else "")
    return [_field(service, name, values, mistakes.get(name, ""), has_focus=name == focused) for name in names]


def values_typed(service: Service, sent: Mapping[str, str]) -> dict[str, str]:
    """Return an order's parameters as the engine reads them, from what the customer typed.

    Digits of numbers may be grouped. A web address may lack its scheme, as people copy it.
    """
    values = {name: ungrouped(value) if _spec(name).widget == "number" else value for name, value in sent.items()}
    if "link" in values:
        values["link"] = _with_scheme(values["link"], service.terms.link_rule)
    return values


def names_of(service: Service) -> tuple[str, ...]:
    """Return the names of the parameters of an order, without `service` (docs/protocol.md §3)."""
    rule = RULES[service.type]
    names = ["link"] if rule.link else []
    names += ["quantity"] if rule.quantity is Quantity.GIVEN else []
    names += [*rule.required, *rule.optional, *(name for name, _other, _value in rule.required_when)]
    names += ["runs", "interval"] if rule.dripfeed and service.terms.dripfeed else []
    return tuple(names)


def field_name_for(service: Service, refusal: Refusal) -> str:
    """Return the name of the field that a refusal is about; empty if it is about the order as a whole."""
    if isinstance(refusal, BadLink | LinkHasActiveOrder):
        return "link"
    if isinstance(refusal, IncorrectParameter):
        return refusal.parameter if refusal.parameter in names_of(service) else ""
    if isinstance(refusal, QuantityTooSmall | QuantityTooLarge):
        counted = RULES[service.type].quantity
        return "quantity" if counted is Quantity.GIVEN else str(counted)
    return ""


def _spec(name: str) -> FieldSpec:
    return FIELD_SPECS.get(name) or FieldSpec(name.replace("_", " ").capitalize())


def _with_scheme(link: str, rule: LinkRule | None) -> str:
    full = f"https://{link}"
    return full if _BARE_ADDRESS.match(link) and (rule is None or rule.fullmatch(full)) else link


def _field(service: Service, name: str, values: Mapping[str, str], mistake: str, *, has_focus: bool) -> Field:
    rule = RULES[service.type]
    is_required = name in {"link", "quantity", *rule.required}
    is_count = name in {"quantity", "min", "max"}
    look = _spec(name)
    return Field(
        name,
        look,
        values.get(name, ""),
        mistake,
        is_required,
        hint=LINK_HINTS[service.link_kind] if name == "link" else look.hint,
        least=service.terms.min if is_count else None,
        most=service.terms.max if is_count else None,
        has_focus=has_focus,
    )
