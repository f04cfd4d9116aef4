"""Every order type as data: which parameters it takes and what its quantity is (protocol §3).

The API, its documentation and the forms derive from `RULES` and `PARAMETERS`; `read` is the one place that validates
an order's parameters. It knows the service, not the buyer: money is decided in `placing`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from tradepost.engine.errors import (
    BadLink,
    IncorrectParameter,
    IncorrectService,
    QuantityTooLarge,
    QuantityTooSmall,
)
from tradepost.engine.words import Words

LINK_CHARS_MAX = 2_000
TEXT_CHARS_MAX = 2_000
LIST_LINES_MAX = 10_000
ID_MAX = 2**63 - 1

type Parameters = Mapping[str, str]

_WHOLE = re.compile(r"-?[0-9]{1,100}", re.ASCII)


class OrderType(Words):
    """The types of services; the values are the protocol's strings."""

    DEFAULT = "Default"
    PACKAGE = "Package"
    SEO = "SEO"
    CUSTOM_COMMENTS = "Custom Comments"
    CUSTOM_COMMENTS_PACKAGE = "Custom Comments Package"
    MENTIONS = "Mentions"
    MENTIONS_WITH_HASHTAGS = "Mentions with Hashtags"
    MENTIONS_CUSTOM_LIST = "Mentions Custom List"
    MENTIONS_HASHTAG = "Mentions Hashtag"
    MENTIONS_USER_FOLLOWERS = "Mentions User Followers"
    MENTIONS_MEDIA_LIKERS = "Mentions Media Likers"
    COMMENT_LIKES = "Comment Likes"
    COMMENT_REPLIES = "Comment Replies"
    POLL = "Poll"
    INVITES_FROM_GROUPS = "Invites from Groups"
    SUBSCRIPTIONS = "Subscriptions"
    WEB_TRAFFIC = "Web Traffic"


class Quantity(StrEnum):
    """What a type's quantity is taken from."""

    GIVEN = "quantity"  # the parameter; of a drip-feed, for each run
    COMMENTS = "comments"  # the lines of that list
    USERNAMES = "usernames"
    PACKAGE = "package"  # one, at a flat rate
    POSTS = "posts"  # max × (posts + old_posts)


class Rule(msgspec.Struct, frozen=True):
    """What an order of one type is made of, beside its service."""

    quantity: Quantity
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # (parameter, other parameter, value): required when the other one has that value.
    required_when: tuple[tuple[str, str, str], ...] = ()
    link: bool = True
    dripfeed: bool = False  # takes runs and interval where the service allows it


RULES: dict[OrderType, Rule] = {
    OrderType.DEFAULT: Rule(Quantity.GIVEN, dripfeed=True),
    OrderType.PACKAGE: Rule(Quantity.PACKAGE),
    OrderType.SEO: Rule(Quantity.GIVEN, ("keywords",)),
    OrderType.CUSTOM_COMMENTS: Rule(Quantity.COMMENTS, ("comments",)),
    OrderType.CUSTOM_COMMENTS_PACKAGE: Rule(Quantity.PACKAGE, ("comments",)),
    OrderType.MENTIONS: Rule(Quantity.GIVEN, ("usernames",)),
    OrderType.MENTIONS_WITH_HASHTAGS: Rule(Quantity.GIVEN, ("usernames", "hashtags")),
    OrderType.MENTIONS_CUSTOM_LIST: Rule(Quantity.USERNAMES, ("usernames",)),
    OrderType.MENTIONS_HASHTAG: Rule(Quantity.GIVEN, ("hashtag",)),
    OrderType.MENTIONS_USER_FOLLOWERS: Rule(Quantity.GIVEN, ("username",)),
    OrderType.MENTIONS_MEDIA_LIKERS: Rule(Quantity.GIVEN, ("media",)),
    OrderType.COMMENT_LIKES: Rule(Quantity.GIVEN, ("username",)),
    OrderType.COMMENT_REPLIES: Rule(Quantity.COMMENTS, ("username", "comments")),
    OrderType.POLL: Rule(Quantity.GIVEN, ("answer_number",)),
    OrderType.INVITES_FROM_GROUPS: Rule(Quantity.GIVEN, ("groups",)),
    OrderType.SUBSCRIPTIONS: Rule(
        Quantity.POSTS, ("username", "min", "max", "delay"), ("posts", "old_posts", "expiry"), link=False
    ),
    OrderType.WEB_TRAFFIC: Rule(
        Quantity.GIVEN,
        ("country", "device", "type_of_traffic"),
        required_when=(("google_keyword", "type_of_traffic", "1"), ("referring_url", "type_of_traffic", "2")),
        dripfeed=True,
    ),
}


class Terms(msgspec.Struct, frozen=True):
    """What a service asks of an order's parameters."""

    type: OrderType
    min: int
    max: int
    dripfeed: bool = False
    link_rule: re.Pattern[str] | None = None


class Draft(msgspec.Struct, frozen=True):
    """The parameters of one order, validated. `quantity` is what is charged; `fields` are those of its type."""

    link: str
    quantity: int
    fields: dict[str, str] | None = None


def read(terms: Terms, parameters: Parameters) -> Draft:
    """Validate an order's parameters, in the order that protocol §4 checks them in.

    Raises `BadLink`, `QuantityTooSmall`, `QuantityTooLarge` or `IncorrectParameter`; and `IncorrectService` for
    drip-feeds and subscriptions, which are not sold yet.
    """
    rule = RULES[terms.type]
    if rule.quantity is Quantity.POSTS:
        raise IncorrectService
    link = _read_link(terms, parameters) if rule.link else ""
    quantity = _read_quantity(rule, parameters)
    if rule.quantity is not Quantity.PACKAGE:
        if quantity < terms.min:
            raise QuantityTooSmall(terms.min)
        if quantity > terms.max:
            raise QuantityTooLarge(terms.max)
    fields = _read_fields(rule, parameters) if rule.required else None
    if rule.dripfeed and terms.dripfeed and "runs" in parameters:
        _read_runs(parameters)
    return Draft(link, quantity, fields)


def whole(text: str | None) -> int | None:
    """Return the whole number that `text` is, or None: Python's `int` takes far more than the protocol does."""
    return int(text) if text and _WHOLE.fullmatch(text) else None


def wire_id(sent: str) -> int | None:
    """Return the id that a client means, or None for what can't be one: letters, zero, more than the database holds."""
    number = whole(sent)
    return number if number is not None and 0 < number <= ID_MAX else None


def wire_ids(lists: Iterable[Sequence[str]]) -> set[int]:
    """Return the ids that clients mean in these lists; what can't be one is left out."""
    return {id_ for sent in lists for each in sent if (id_ := wire_id(each))}


def _read_link(terms: Terms, parameters: Parameters) -> str:
    link = parameters.get("link", "").strip()
    if not link or len(link) > LINK_CHARS_MAX:
        raise BadLink
    if terms.link_rule and not terms.link_rule.fullmatch(link):
        raise BadLink
    return link


def _read_quantity(rule: Rule, parameters: Parameters) -> int:
    if rule.quantity is Quantity.GIVEN:
        quantity = whole(parameters.get("quantity"))
        if quantity is None:
            raise IncorrectParameter("quantity")
        return quantity
    if rule.quantity is Quantity.PACKAGE:
        return 1
    lines = _lines(parameters.get(rule.quantity, ""))
    if not lines:
        raise IncorrectParameter(rule.quantity)
    return lines.count("\n") + 1


def _read_fields(rule: Rule, parameters: Parameters) -> dict[str, str]:
    needed = list(rule.required)
    fields: dict[str, str] = {}
    needed += [name for name, other, value in rule.required_when if parameters.get(other) == value]
    for name in needed:
        value = PARAMETERS[name](parameters.get(name, ""))
        if not value:
            raise IncorrectParameter(name)
        fields[name] = value
    return fields


def _read_runs(parameters: Parameters) -> None:
    runs = whole(parameters["runs"])
    if runs is None or runs < 0:
        raise IncorrectParameter("runs")
    if runs > 1:
        raise IncorrectService


def _lines(text: str) -> str:
    """Return a list's non-empty lines, one each; nothing if there are too many."""
    lines = [line for raw in text.split("\n") if (line := raw.strip())]
    return "\n".join(lines) if len(lines) <= LIST_LINES_MAX else ""


def _text(text: str) -> str:
    text = text.strip()
    return text if len(text) <= TEXT_CHARS_MAX else ""


def _number(text: str) -> str:
    number = whole(text)
    return str(number) if number is not None and number > 0 else ""


def _choice(*choices: str) -> Callable[[str], str]:
    return lambda text: text if text in choices else ""


# How each parameter is read: the value to keep, or nothing if it is missing or wrong.
PARAMETERS: dict[str, Callable[[str], str]] = {
    "answer_number": _number,
    "comments": _lines,
    "country": _text,
    "device": _choice("1", "2", "3", "4", "5"),
    "google_keyword": _text,
    "groups": _lines,
    "hashtag": _text,
    "hashtags": _lines,
    "keywords": _lines,
    "media": _text,
    "referring_url": _text,
    "type_of_traffic": _choice("1", "2", "3"),
    "username": _text,
    "usernames": _lines,
}
