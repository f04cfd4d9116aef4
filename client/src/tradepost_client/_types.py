"""Types of services, parsed from every case and spelling that panels use.

Only the letters and digits count: `custom_comments` and `Mentions (custom list)` are the protocol's types. A code is a
type only if all panels agree on it: 1 is Default at one panel and Package at another, 0 is Default wherever it is met.
"""

from tradepost_client._spelling import letters_and_digits

_TYPES = {
    "Default": "0",
    "SEO": "",
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

_BY_SPELLING = {
    spelling: name for name, others in _TYPES.items() for spelling in (letters_and_digits(name), *others.split())
}


def type_name(text: str) -> str | None:
    """Return the protocol's spelling of a type of service; None if the type is unknown."""
    return _BY_SPELLING.get(letters_and_digits(text))
