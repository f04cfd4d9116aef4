"""Orders: a struct for each type of service (docs/protocol.md §3), and one for types that are not in the protocol.

Lists (`comments`, `usernames` …) are sequences of lines, or one text with a line for each item. `interval` and `delay`
are minutes. The panel checks the values. The structs only refuse values that would be sent as something else.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

import msgspec

from tradepost_client._results import Id
from tradepost_client._types import type_name

type Lines = Sequence[str] | str

RESERVED = frozenset({"key", "action", "service", "idempotency_key", "request_id"})


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a service. Use one of the types below."""

    type: ClassVar[str] = ""
    """The service's `type` in the answer to `services`."""

    service: Id

    def parameters(self) -> dict[str, str]:
        """Return the parameters to send. Raises `ValueError` for a list with a line break within a line."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: _wire_text(name, value) for name, value in values if value is not None}


def _wire_text(name: str, value: object) -> str:
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, str | int):
        return str(int(value) if isinstance(value, bool) else value)
    if not isinstance(value, Sequence):
        raise TypeError(f"{name} can't be {type(value).__name__}")
    if any("\n" in line or "\r" in line for line in value):
        raise ValueError(f"a line of {name} holds a line break: it would be counted, and charged, as two")
    return "\n".join(value)


class DefaultOrder(Order, frozen=True, kw_only=True):
    """`quantity` for `link`. `runs` and `interval` make the order a drip-feed; `quantity` is then that of one run."""

    type: ClassVar[str] = "Default"
    link: str
    quantity: int
    runs: int | None = None
    interval: int | None = None


class PackageOrder(Order, frozen=True, kw_only=True):
    """One package, at a flat rate."""

    type: ClassVar[str] = "Package"
    link: str


class SeoOrder(Order, frozen=True, kw_only=True):
    """`quantity` by keywords."""

    type: ClassVar[str] = "SEO"
    link: str
    quantity: int
    keywords: Lines


class CustomCommentsOrder(Order, frozen=True, kw_only=True):
    """A comment for each line."""

    type: ClassVar[str] = "Custom Comments"
    link: str
    comments: Lines


class CustomCommentsPackageOrder(Order, frozen=True, kw_only=True):
    """A package of these comments, at a flat rate."""

    type: ClassVar[str] = "Custom Comments Package"
    link: str
    comments: Lines


class MentionsOrder(Order, frozen=True, kw_only=True):
    """`quantity` mentions of users from this list."""

    type: ClassVar[str] = "Mentions"
    link: str
    quantity: int
    usernames: Lines


class MentionsWithHashtagsOrder(Order, frozen=True, kw_only=True):
    """`quantity` mentions of users from this list, with these hashtags."""

    type: ClassVar[str] = "Mentions with Hashtags"
    link: str
    quantity: int
    usernames: Lines
    hashtags: Lines


class MentionsCustomListOrder(Order, frozen=True, kw_only=True):
    """A mention of each of these users."""

    type: ClassVar[str] = "Mentions Custom List"
    link: str
    usernames: Lines


class MentionsHashtagOrder(Order, frozen=True, kw_only=True):
    """`quantity` mentions of users who use a hashtag."""

    type: ClassVar[str] = "Mentions Hashtag"
    link: str
    quantity: int
    hashtag: str


class MentionsUserFollowersOrder(Order, frozen=True, kw_only=True):
    """`quantity` mentions of a user's followers."""

    type: ClassVar[str] = "Mentions User Followers"
    link: str
    quantity: int
    username: str


class MentionsMediaLikersOrder(Order, frozen=True, kw_only=True):
    """`quantity` mentions of users who liked `media`, a link."""

    type: ClassVar[str] = "Mentions Media Likers"
    link: str
    quantity: int
    media: str


class CommentLikesOrder(Order, frozen=True, kw_only=True):
    """`quantity` likes of `username`'s comment."""

    type: ClassVar[str] = "Comment Likes"
    link: str
    quantity: int
    username: str


class CommentRepliesOrder(Order, frozen=True, kw_only=True):
    """A reply to `username`'s comment for each line."""

    type: ClassVar[str] = "Comment Replies"
    link: str
    username: str
    comments: Lines


class PollOrder(Order, frozen=True, kw_only=True):
    """`quantity` votes for an answer, counted from 1."""

    type: ClassVar[str] = "Poll"
    link: str
    quantity: int
    answer_number: int


class InvitesFromGroupsOrder(Order, frozen=True, kw_only=True):
    """`quantity` invites from these groups."""

    type: ClassVar[str] = "Invites from Groups"
    link: str
    quantity: int
    groups: Lines


class SubscriptionsOrder(Order, frozen=True, kw_only=True):
    """`min` to `max` for each of `posts` new and `old_posts` old posts of a user, `delay` minutes after the post."""

    type: ClassVar[str] = "Subscriptions"
    username: str
    min: int
    max: int
    delay: int
    posts: int | None = None
    old_posts: int | None = None
    expiry: date | str | None = None


class WebTrafficOrder(Order, frozen=True, kw_only=True):
    """`quantity` visits. `device` is 1 to 5; traffic is 1 (by `google_keyword`), 2 (by `referring_url`) or 3."""

    type: ClassVar[str] = "Web Traffic"
    link: str
    quantity: int
    country: str
    device: int
    type_of_traffic: int
    runs: int | None = None
    interval: int | None = None
    google_keyword: str | None = None
    referring_url: str | None = None


class GenericOrder(Order, frozen=True, kw_only=True):
    """An order of any type: its parameters by their names on the wire (docs/protocol.md §3)."""

    fields: Mapping[str, str | int]

    def parameters(self) -> dict[str, str]:
        """Return the parameters to send. Raises `ValueError` for a name in `RESERVED`."""
        reserved = RESERVED & self.fields.keys()
        if reserved:
            raise ValueError(f"an order can't set {', '.join(sorted(reserved))}")
        return {"service": str(self.service), **{name: str(value) for name, value in self.fields.items()}}


ORDER_TYPES: dict[str, type[Order]] = {
    order.type: order
    for order in (
        DefaultOrder,
        PackageOrder,
        SeoOrder,
        CustomCommentsOrder,
        CustomCommentsPackageOrder,
        MentionsOrder,
        MentionsWithHashtagsOrder,
        MentionsCustomListOrder,
        MentionsHashtagOrder,
        MentionsUserFollowersOrder,
        MentionsMediaLikersOrder,
        CommentLikesOrder,
        CommentRepliesOrder,
        PollOrder,
        InvitesFromGroupsOrder,
        SubscriptionsOrder,
        WebTrafficOrder,
    )
}
"""The struct for each type of service, by the service's `type` in the answer to `services`."""


def order_type(text: str) -> type[Order] | None:
    """Return the struct for a type of service, in any case and spelling; None if the type is unknown."""
    name = type_name(text)
    return ORDER_TYPES[name] if name else None
