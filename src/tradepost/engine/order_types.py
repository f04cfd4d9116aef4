"""Every order type as data: its parameters and how its quantity is counted (docs/protocol.md §3).

The API, its documentation and the forms derive from `RULES` and `PARAMETERS`. Only `parse_order` validates an order's
parameters. It knows the service, not the buyer: `placing` decides about money.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum

import msgspec

from tradepost.engine.enums import TextEnum
from tradepost.engine.errors import BadLink, IncorrectParameter, QuantityTooLarge, QuantityTooSmall
from tradepost.engine.link_rules import LinkRule
from tradepost.engine.order_texts import LIST_LINES_MAX, TEXT_CHARS_MAX, read_lines, read_link, read_text
from tradepost.engine.postgres import BIGINT_MAX

PARTS_MAX = 1_000  # runs of a drip-feed, or posts of a subscription
INTERVAL_MINUTES_MAX = 30 * 24 * 60
ID_MAX = BIGINT_MAX
QUANTITY_MAX = BIGINT_MAX
DELAYS = (0, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 150, 180, 210, 240, 270, 300, 360, 420, 480, 540, 600)  # minutes

type Parameters = Mapping[str, str]

_DIGITS_MAX = 100  # including leading zeros
# A whole number may be written as a float: 100.0, 100.00. Three zeros are refused: in many countries 100.000 is a
# hundred thousand.
_WHOLE = re.compile(r"(-?[0-9]{1,100})(?:\.(?:0{1,2}|0{4,20}))?")
_DAY = re.compile(r"(?P<day>[0-9]{1,2})/(?P<month>[0-9]{1,2})/(?P<year>[0-9]{4})", re.ASCII)


class OrderType(TextEnum):
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
    """Where an order's quantity comes from."""

    GIVEN = "quantity"  # the parameter; for a drip-feed, the quantity of each run
    COMMENTS = "comments"  # the number of lines in the list
    USERNAMES = "usernames"  # the number of lines in the list
    PACKAGE = "package"  # always 1, at a flat rate
    POSTS = "posts"  # max × (posts + old_posts)


_COUNTED_LISTS = (Quantity.COMMENTS, Quantity.USERNAMES)


class Rule(msgspec.Struct, frozen=True):
    """The parameters of one order type."""

    quantity: Quantity
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    # (parameter, other parameter, value): the parameter is required if the other parameter has this value.
    required_when: tuple[tuple[str, str, str], ...] = ()
    link: bool = True
    dripfeed: bool = False  # takes runs and interval if the service allows drip-feeds

    @property
    def needs(self) -> tuple[str, ...]:
        """Every parameter that an order must have."""
        link = ("link",) if self.link else ()
        quantity = ("quantity",) if self.quantity is Quantity.GIVEN else ()
        return ("service", *link, *quantity, *self.required)

    @property
    def takes(self) -> tuple[str, ...]:
        """Every parameter that an order may have, including those required only with another parameter's value."""
        dripfeed = ("runs", "interval") if self.dripfeed else ()
        return (*self.optional, *dripfeed, *(name for name, _, _ in self.required_when))


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
    """A service's limits on an order's parameters."""

    type: OrderType
    min: int
    max: int
    dripfeed: bool = False
    link_rule: LinkRule | None = None


class Draft(msgspec.Struct, frozen=True):
    """The validated parameters of one order.

    `quantity` is the quantity to charge for. `fields` are the parameters specific to its type. `parts` is
    the number of runs or posts, or None if the order is neither a drip-feed nor a subscription. `interval_minutes` is
    the time from one run to the next.
    """

    link: str
    quantity: int
    fields: dict[str, str] | None = None
    parts: int | None = None
    interval_minutes: int | None = None


def parse_order(terms: Terms, parameters: Parameters) -> Draft:
    """Validate an order's parameters in the sequence of docs/protocol.md §4.

    Raises `BadLink`, `QuantityTooSmall`, `QuantityTooLarge` or `IncorrectParameter`.
    """
    rule = RULES[terms.type]
    if rule.quantity is Quantity.POSTS:
        return _read_subscription(terms, rule, parameters)
    link = _read_link(terms, parameters) if rule.link else ""
    is_fed = rule.dripfeed and terms.dripfeed
    lines = read_lines(parameters.get(rule.quantity, "")) if rule.quantity in _COUNTED_LISTS else ""
    quantity = _read_quantity(rule, parameters, lines) * (_runs_to_charge(parameters) if is_fed else 1)
    if rule.quantity is not Quantity.PACKAGE:
        if quantity < terms.min:
            raise QuantityTooSmall(terms.min)
        if quantity > terms.max:
            raise QuantityTooLarge(terms.max)
    fields = _read_fields(rule, parameters, lines) if rule.required else None
    runs, interval = _read_dripfeed(parameters) if is_fed else (None, None)
    return Draft(link, quantity, fields, runs, interval)


def whole(text: str | None) -> int | None:
    """Return `text` as a whole number, or None. Python's `int` accepts texts that the protocol doesn't."""
    if not text:
        return None
    if text.isdecimal() and text.isascii() and len(text) <= _DIGITS_MAX:  # a fast way for nearly all numbers
        return int(text)
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found else None


def wire_id(sent: str) -> int | None:
    """Return the id that a client sent; None if it is no whole number, is 0, or is above `ID_MAX`."""
    number = whole(sent)
    return number if number is not None and 0 < number <= ID_MAX else None


def wire_ids(lists: Iterable[Sequence[str]]) -> set[int]:
    """Return the ids in the lists that clients sent, without the texts that can't be ids."""
    return {id_ for sent in lists for each in sent if (id_ := wire_id(each))}


def _read_link(terms: Terms, parameters: Parameters) -> str:
    link = read_link(parameters.get("link", ""))
    if not link or (terms.link_rule and not terms.link_rule.fullmatch(link)):
        raise BadLink
    return link


def _read_quantity(rule: Rule, parameters: Parameters, lines: str) -> int:
    if rule.quantity is Quantity.GIVEN:
        quantity = whole(parameters.get("quantity"))
        if quantity is None:
            raise IncorrectParameter("quantity")
        return quantity
    if rule.quantity is Quantity.PACKAGE:
        return 1
    if not lines:
        raise IncorrectParameter(rule.quantity)
    return lines.count("\n") + 1


def _read_fields(rule: Rule, parameters: Parameters, lines: str = "") -> dict[str, str]:
    """Return the parameters specific to the type. `lines` is the list that the quantity was counted from, if any."""
    needed = list(rule.required)
    needed += [
        name
        for name, other, value in rule.required_when
        if PARAMETERS[other].kind.read(parameters.get(other, "")) == value
    ]
    needed += [name for name in rule.optional if parameters.get(name)]
    return {name: lines if lines and name == rule.quantity else _read_field(name, parameters) for name in needed}


def _read_field(name: str, parameters: Parameters) -> str:
    value = PARAMETERS[name].kind.read(parameters.get(name, ""))
    if not value:
        raise IncorrectParameter(name)
    return value


def _runs_to_charge(parameters: Parameters) -> int:
    """Return how many times to charge the quantity. Wrong runs count as 1; `_read_dripfeed` refuses them later."""
    runs = whole(parameters.get("runs"))
    return runs if runs and 1 <= runs <= PARTS_MAX else 1


def _read_dripfeed(parameters: Parameters) -> tuple[int | None, int | None]:
    """Return the runs and the minutes from one run to the next; (None, None) if the order runs once."""
    if not parameters.get("runs"):
        if parameters.get("interval"):
            raise IncorrectParameter("runs")
        return None, None
    runs = whole(parameters["runs"])
    if runs is None or not 0 <= runs <= PARTS_MAX:
        raise IncorrectParameter("runs")
    if runs <= 1:
        return None, None
    interval = whole(parameters.get("interval"))
    if interval is None or not 1 <= interval <= INTERVAL_MINUTES_MAX:
        raise IncorrectParameter("interval")
    return runs, interval


def _read_subscription(terms: Terms, rule: Rule, parameters: Parameters) -> Draft:
    """Validate a subscription. Each post gets `min` to `max` and is charged at `max` (docs/protocol.md §3)."""
    fields = _read_fields(rule, parameters)
    least, most = int(fields["min"]), int(fields["max"])
    if not terms.min <= least <= terms.max:
        raise IncorrectParameter("min")
    if not least <= most <= terms.max:
        raise IncorrectParameter("max")
    posts = int(fields.get("posts", 0)) + int(fields.get("old_posts", 0))
    if not 1 <= posts <= PARTS_MAX:
        raise IncorrectParameter("posts")
    if most * posts > QUANTITY_MAX:
        raise IncorrectParameter("max")
    return Draft("", most * posts, fields, posts)


def _day(text: str) -> str:
    """Return the day as dd/mm/yyyy; an empty text if it is no date or is before today in UTC."""
    match = _DAY.fullmatch(text)
    try:
        day = date(int(match["year"]), int(match["month"]), int(match["day"])) if match else None
    except ValueError:
        day = None
    return f"{day:%d/%m/%Y}" if day and day >= datetime.now(UTC).date() else ""


class ParameterKind(msgspec.Struct, frozen=True):
    """A kind of value: how the engine reads it, and which limits forms and API documents show for it.

    `read` returns the value to store, or an empty text if the value is missing or wrong.
    """

    read: Callable[[str], str]
    min: int | None = None
    max: int | None = None
    choices: tuple[int, ...] = ()
    chars_max: int | None = None
    lines_max: int | None = None
    pattern: str | None = None

    @property
    def is_number(self) -> bool:
        return self.min is not None or bool(self.choices)


def number(min: int, max: int | None = None) -> ParameterKind:
    def read(text: str) -> str:
        number = whole(text)
        return "" if number is None or number < min or (max is not None and number > max) else str(number)

    return ParameterKind(read, min=min, max=max)


def choice(*choices: int) -> ParameterKind:
    texts = frozenset(map(str, choices))

    def read(text: str) -> str:
        digits = text.partition(".")[0]
        return digits if digits in texts and whole(text) is not None else ""

    return ParameterKind(read, choices=choices)


ID = number(1, ID_MAX)
NUMBER = number(1)
COUNT = number(0)
TEXT = ParameterKind(read_text, chars_max=TEXT_CHARS_MAX)
LINK = ParameterKind(read_link, chars_max=TEXT_CHARS_MAX)
LIST = ParameterKind(read_lines, lines_max=LIST_LINES_MAX)
DAY = ParameterKind(_day, pattern="^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$")


class Parameter(msgspec.Struct, frozen=True):
    """A parameter's kind, and the description and example that API documents show."""

    kind: ParameterKind
    description: str
    example: str


# Every parameter of `add`. `parse_order` reads link, quantity, runs and interval itself, not by their kinds.
PARAMETERS: dict[str, Parameter] = {
    "answer_number": Parameter(NUMBER, "The answer to vote for, counted from 1.", "2"),
    "comments": Parameter(LIST, "Comments, one a line.", "Nice\nWell done"),
    "country": Parameter(TEXT, "The country that visitors come from.", "DE"),
    "delay": Parameter(choice(*DELAYS), "Minutes from a new post to its start.", "30"),
    "device": Parameter(choice(1, 2, 3, 4, 5), "The visitors' kind of device, by the service's numbers.", "5"),
    "expiry": Parameter(DAY, "The last day of the subscription (d/m/Y, UTC), today or later.", "31/12/2099"),
    "google_keyword": Parameter(TEXT, "What visitors search for; needed if `type_of_traffic` is 1.", "order desk"),
    "groups": Parameter(LIST, "Groups to invite from, one a line.", "pixelpond.example/g/1\npixelpond.example/g/2"),
    "hashtag": Parameter(TEXT, "The hashtag whose users are mentioned.", "#pixels"),
    "hashtags": Parameter(LIST, "Hashtags to mention, one a line.", "#pixels\n#ponds"),
    "interval": Parameter(
        number(1, INTERVAL_MINUTES_MAX),
        "Minutes from run to run of a drip-feed; needed with `runs`.",
        "60",
    ),
    "keywords": Parameter(LIST, "Keywords, one a line.", "order desk\nreseller panel"),
    "link": Parameter(
        LINK, "What the order is for: a link, as the service asks for it.", "https://pixelpond.example/alice"
    ),
    "max": Parameter(NUMBER, "The most that a post gets, from `min` to the service's maximum; charged for.", "200"),
    "media": Parameter(LINK, "The post whose likers are mentioned.", "https://pixelpond.example/p/1"),
    "min": Parameter(NUMBER, "The least that a post gets, from the service's minimum on.", "100"),
    "old_posts": Parameter(COUNT, f"How many of the latest posts to serve; with `posts` 1 to {PARTS_MAX:,}.", "2"),
    "posts": Parameter(COUNT, f"How many new posts to serve; with `old_posts` 1 to {PARTS_MAX:,}.", "5"),
    "quantity": Parameter(
        NUMBER, "How much, within the service's `min` and `max`; of a drip-feed for each run, the limits on all.", "100"
    ),
    "referring_url": Parameter(
        LINK, "Where visitors come from; needed if `type_of_traffic` is 2.", "https://chatterbird.example/p/1"
    ),
    "runs": Parameter(
        number(0, PARTS_MAX),
        "How often a drip-feed runs, if the service has `dripfeed`; 0 and 1 are no drip-feed.",
        "3",
    ),
    "service": Parameter(ID, "The service to order, as `services` lists it; its type tells what else is needed.", "1"),
    "type_of_traffic": Parameter(choice(1, 2, 3), "1: from a search, 2: from another page, 3: direct.", "3"),
    "username": Parameter(LINK, "The user concerned: whose new posts, followers or comments.", "alice"),
    "usernames": Parameter(LIST, "Users to mention, one a line.", "bob\ncharlie"),
}

ID_LISTS = frozenset({"order", "orders", "refill", "refills"})  # of the other actions
_LINE_LISTS = frozenset(name for name, parameter in PARAMETERS.items() if parameter.kind is LIST)
LISTS = ID_LISTS | _LINE_LISTS


def join_values(name: str, values: Iterable[str]) -> str:
    """Return the values of a parameter that came more than once as one value: ids with commas, all others as lines.

    One id that came twice as `order` or `refill` is one id.
    """
    if name not in ID_LISTS:
        return "\n".join(values)
    return ",".join(values if name.endswith("s") else dict.fromkeys(values))
