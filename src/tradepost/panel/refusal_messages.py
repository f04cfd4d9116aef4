"""Refusals in the customer's words and language. The wire strings of `engine/errors.py` are for programs only."""

from collections.abc import Callable

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tradepost import formats
from tradepost.engine.catalog import Service
from tradepost.engine.errors import (
    BadLink,
    CancelNotEligible,
    IdempotencyKeyReused,
    IncorrectOrder,
    IncorrectParameter,
    IncorrectService,
    InvalidKey,
    LinkHasActiveOrder,
    NotEnoughFunds,
    QuantityTooLarge,
    QuantityTooSmall,
    RefillNotAvailable,
    RefillNotEligible,
    Refusal,
)
from tradepost.engine.link_rules import LinkKind
from tradepost.engine.order_types import LIST, PARAMETERS, PARTS_MAX

type Text = str | Promise

SENTENCES: dict[type[Refusal], Text] = {
    InvalidKey: gettext_lazy("Your account can't order at the moment."),
    IncorrectService: gettext_lazy("There is no service with this id."),
    LinkHasActiveOrder: gettext_lazy("You already have an active order for this link. Wait until it is completed."),
    NotEnoughFunds: gettext_lazy("Your balance is too low."),
    IncorrectOrder: gettext_lazy("You have no order with this id."),
    RefillNotAvailable: gettext_lazy("This service has no refills"),
    RefillNotEligible: gettext_lazy("It's too early for a refill, or the time for refills is over"),
    CancelNotEligible: gettext_lazy("This order can't be canceled"),
    IdempotencyKeyReused: gettext_lazy("This form was sent before with another order. Reload the page."),
}
LINK_HINTS: dict[LinkKind, Text] = {
    LinkKind.ANY: gettext_lazy("A link, like https://…"),
    LinkKind.ADDRESS: gettext_lazy("A web address, like https://…"),
    LinkKind.NAME: gettext_lazy("A name, like @name"),
    LinkKind.EITHER: gettext_lazy("A web address, like https://…, or a name, like @name"),
}


def message_for(refusal: Refusal, service: Service | None = None, value: str = "") -> str:
    """Return a sentence that says what is wrong.

    `service` is what was ordered, if there is such a service; `value` is what was typed for the wrong parameter.
    """
    if isinstance(refusal, QuantityTooSmall):
        return _("Minimum quantity is %(number)s") % {"number": formats.whole(refusal.minimum)}
    if isinstance(refusal, QuantityTooLarge):
        return _("Maximum quantity is %(number)s") % {"number": formats.whole(refusal.maximum)}
    if isinstance(refusal, BadLink):
        return _("This link doesn't look right") if value else _("Enter a link")
    if isinstance(refusal, IncorrectParameter):
        return _parameter_message(refusal.parameter, service, value)
    return str(SENTENCES.get(type(refusal)) or _("The order can't be placed like this."))


def _parameter_message(name: str, service: Service | None, value: str) -> str:
    if name in _OWN_MESSAGES and (service or name not in _ABOUT_LIMITS):
        return _OWN_MESSAGES[name](service)
    kind = PARAMETERS[name].kind if name in PARAMETERS else None
    if kind is LIST:
        return _("Enter one per line")
    if kind and kind.choices:
        return _("Choose one of the options")
    if kind and kind.is_number and kind.max:
        numbers = {"least": formats.whole(kind.min), "most": formats.whole(kind.max)}
        return _("Enter a whole number from %(least)s to %(most)s") % numbers
    if kind and kind.is_number:
        return _("Enter a whole number")
    return _("This doesn't look right") if value else _("Fill in this field")


def _quantity_message(_service: Service | None) -> str:
    return _("Enter a whole number, for example 1000")


def _expiry_message(_service: Service | None) -> str:
    return _("Enter a day from today on, like 31/12/2030")


def _posts_message(_service: Service | None) -> str:
    return _("Old and new posts together must be from 1 to %(most)s") % {"most": formats.whole(PARTS_MAX)}


def _min_message(service: Service | None) -> str:
    assert service
    numbers = {"least": formats.whole(service.terms.min), "most": formats.whole(service.terms.max)}
    return _("Enter a whole number from %(least)s to %(most)s") % numbers


def _max_message(service: Service | None) -> str:
    assert service
    return _("Enter a whole number from the minimum to %(most)s") % {"most": formats.whole(service.terms.max)}


_OWN_MESSAGES: dict[str, Callable[[Service | None], str]] = {
    "quantity": _quantity_message,
    "expiry": _expiry_message,
    "posts": _posts_message,
    "min": _min_message,
    "max": _max_message,
}
_ABOUT_LIMITS = ("min", "max")  # of the service
