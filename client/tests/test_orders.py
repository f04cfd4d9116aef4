"""The parameters on the wire of every type of order (docs/protocol.md §3)."""

from datetime import date
from typing import Any

import msgspec
import pytest

from tradepost_client import (
    ORDER_TYPES,
    CustomCommentsOrder,
    DefaultOrder,
    GenericOrder,
    PackageOrder,
    SubscriptionsOrder,
    WebTrafficOrder,
)

# Type: (required, optional), as the protocol's table has them.
TABLE = {
    "Default": ("link quantity", "runs interval"),
    "Package": ("link", ""),
    "SEO": ("link quantity keywords", ""),
    "Custom Comments": ("link comments", ""),
    "Custom Comments Package": ("link comments", ""),
    "Mentions": ("link quantity usernames", ""),
    "Mentions with Hashtags": ("link quantity usernames hashtags", ""),
    "Mentions Custom List": ("link usernames", ""),
    "Mentions Hashtag": ("link quantity hashtag", ""),
    "Mentions User Followers": ("link quantity username", ""),
    "Mentions Media Likers": ("link quantity media", ""),
    "Comment Likes": ("link quantity username", ""),
    "Comment Replies": ("link username comments", ""),
    "Poll": ("link quantity answer_number", ""),
    "Invites from Groups": ("link quantity groups", ""),
    "Subscriptions": ("username min max delay", "posts old_posts expiry"),
    "Web Traffic": ("link quantity country device type_of_traffic", "runs interval google_keyword referring_url"),
}


def test_there_is_a_struct_for_each_type() -> None:
    assert list(ORDER_TYPES) == list(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_a_type_takes_what_the_protocol_says(name: str) -> None:
    fields = msgspec.structs.fields(ORDER_TYPES[name])
    required, optional = (set(names.split()) for names in TABLE[name])
    assert {field.name for field in fields if field.required} == {"service", *required}
    assert {field.name for field in fields if not field.required} == optional


@pytest.mark.parametrize("name", TABLE)
def test_all_that_is_given_is_sent_by_its_name(name: str) -> None:
    values: dict[str, Any] = {parameter: "7" for names in TABLE[name] for parameter in names.split()}
    assert ORDER_TYPES[name](service=1, **values).parameters() == {"service": "1", **values}


def test_what_is_not_given_is_not_sent() -> None:
    assert PackageOrder(service="a1", link="l").parameters() == {"service": "a1", "link": "l"}
    assert "runs" not in DefaultOrder(service=1, link="l", quantity=1).parameters()
    assert DefaultOrder(service=1, link="l", quantity=1, runs=0).parameters()["runs"] == "0"
    traffic = WebTrafficOrder(service=1, link="l", quantity=1, country="DE", device=1, type_of_traffic=3)
    assert traffic.parameters().keys() == {"service", *TABLE["Web Traffic"][0].split()}


def test_lists_are_lines_and_dates_are_written_day_first() -> None:
    assert CustomCommentsOrder(service=1, link="l", comments=["a", "b"]).parameters()["comments"] == "a\nb"
    assert CustomCommentsOrder(service=1, link="l", comments="a\r\nb").parameters()["comments"] == "a\r\nb"
    order = SubscriptionsOrder(service=1, username="u", min=1, max=2, delay=0, expiry=date(2026, 3, 1))
    assert order.parameters()["expiry"] == "01/03/2026"


def test_a_line_that_would_be_charged_as_two_is_refused_here() -> None:
    with pytest.raises(ValueError, match="line break"):
        CustomCommentsOrder(service=1, link="l", comments=["a\nb"]).parameters()


def test_a_type_yet_unknown_is_ordered_by_names() -> None:
    order = GenericOrder(service=1, fields={"link": "l", "stars": 5})
    assert order.parameters() == {"service": "1", "link": "l", "stars": "5"}
    with pytest.raises(ValueError, match="action, key"):
        GenericOrder(service=1, fields={"key": "k", "action": "balance"}).parameters()
