"""Types of services, parsed from every case and spelling that panels use.

Only the letters and digits count: `custom_comments` and `Mentions (custom list)` are the protocol's types. A code is a
type only if all panels agree on it: 1 is Default at one panel and Package at another, 0 is Default wherever it is met.
"""

from tradepost_client._orders import ORDER_TYPES, Order

_OTHER_SPELLINGS = {
    "Default": "0",
    "Package": "packages",
    "Custom Comments": "customcomment commentscustom",
    "Custom Comments Package": "customcommentpackage customcommentspackages",
    "Mentions": "mention",
    "Mentions with Hashtags": "mentionswithhashtag mentionwithhashtags mentionwithhashtag",
    "Mentions Custom List": "mentioncustomlist mentionscustomlists",
    "Mentions Hashtag": "mentionhashtag",
    "Mentions User Followers": "mentionsuserfollower mentionuserfollowers mentionuserfollower",
    "Mentions Media Likers": "mentionsmedialiker mentionmedialikers mentionmedialiker mentionsmediealikers",
    "Comment Likes": "commentslikes commentlike commentslike commmentlikes",
    "Comment Replies": "commentsreplies commentreply commentsreply",
    "Poll": "polls",
    "Invites from Groups": "invitesfromgroup invitefromgroups invitefromgroup",
    "Subscriptions": "subscription",
    "Web Traffic": "websitetraffic",
}


def _letters_and_digits(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


_BY_SPELLING = {_letters_and_digits(name): order for name, order in ORDER_TYPES.items()} | {
    spelling: ORDER_TYPES[name] for name, spellings in _OTHER_SPELLINGS.items() for spelling in spellings.split()
}


def order_type(text: str) -> type[Order] | None:
    """Return the struct for a type of service, in any case and spelling; None if the type is unknown."""
    return _BY_SPELLING.get(_letters_and_digits(text))


def protocol_name(text: str) -> str:
    """Return the protocol's spelling of a type. An unknown type is returned as it is; no type is Default."""
    order = order_type(text or "Default")
    return text if order is None else order.type
