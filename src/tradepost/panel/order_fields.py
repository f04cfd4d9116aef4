"""The fields of order forms: a label and a widget for each parameter in the engine's table of order types."""

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
from tradepost.engine.order_types import DELAYS, RULES, Quantity

type Text = str | Promise


class FieldSpec(NamedTuple):
    """How a form shows a parameter. `widget` is text, url, number, lines or select."""

    label: Text
    widget: str = "text"
    hint: Text = ""
    choices: tuple[tuple[str, Text], ...] = ()


FIELD_SPECS: dict[str, FieldSpec] = {
    "link": FieldSpec(_("Link"), "url"),
    "quantity": FieldSpec(_("Quantity"), "number"),
    "runs": FieldSpec(_("Runs"), "number", _("How often the quantity is delivered. Empty: once.")),
    "interval": FieldSpec(_("Minutes between runs"), "number"),
    "answer_number": FieldSpec(_("Number of the answer"), "number"),
    "comments": FieldSpec(_("Comments"), "lines", _("One a line; each line is one comment.")),
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
    "expiry": FieldSpec(_("Last day"), hint=_("Like 31/12/2030. Empty: without end.")),
    "google_keyword": FieldSpec(_("Search keyword")),
    "groups": FieldSpec(_("Groups"), "lines", _("One a line.")),
    "hashtag": FieldSpec(_("Hashtag")),
    "hashtags": FieldSpec(_("Hashtags"), "lines", _("One a line.")),
    "keywords": FieldSpec(_("Keywords"), "lines", _("One a line.")),
    "max": FieldSpec(_("Most for each post"), "number"),
    "media": FieldSpec(_("Link of the post")),
    "min": FieldSpec(_("Least for each post"), "number"),
    "old_posts": FieldSpec(_("Posts there are already"), "number"),
    "posts": FieldSpec(_("New posts"), "number"),
    "referring_url": FieldSpec(_("Referring address")),
    "type_of_traffic": FieldSpec(
        _("Where visitors come from"),
        "select",
        choices=(("1", _("A search engine")), ("2", _("A referring address")), ("3", _("Nowhere: direct"))),
    ),
    "username": FieldSpec(_("Username")),
    "usernames": FieldSpec(_("Usernames"), "lines", _("One a line.")),
}  # fmt: skip


class Field(NamedTuple):
    """A parameter in the form of one service, with the customer's value and its mistake, if there is one."""

    name: str
    look: FieldSpec
    value: str
    mistake: str
    is_required: bool
    least: int | None = None
    most: int | None = None


def fields_of(service: Service, values: Mapping[str, str], refusal: Refusal | None = None) -> list[Field]:
    """Return the form's fields for an order of this service. The field that a refusal is about gets its text."""
    wrong = field_name_for(service, refusal) if refusal else ""
    return [_field(service, name, values, str(refusal) if name == wrong else "") for name in names_of(service)]


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


def _field(service: Service, name: str, values: Mapping[str, str], mistake: str) -> Field:
    rule = RULES[service.type]
    look = FIELD_SPECS.get(name) or FieldSpec(name.replace("_", " ").capitalize())
    is_required = name in {"link", "quantity", *rule.required}
    is_count = name in {"quantity", "min", "max"}
    least = service.terms.min if is_count else None
    return Field(name, look, values.get(name, ""), mistake, is_required, least, service.terms.max if is_count else None)
