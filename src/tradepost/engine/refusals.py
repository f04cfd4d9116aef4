"""What a provider's refusal of an order is about, and what follows from it (docs/fulfilment.md, refusals).

A refusal is definite: the order does not exist at the provider. The meaning decides who waits.
"""

from tradepost.engine.enums import TextEnum


class RefusalMeaning(TextEnum):
    """What a refusal is about."""

    KEY = "key"
    ACCOUNT = "account"
    FUNDS = "funds"
    LIMIT = "limit"  # too many requests, or maintenance
    SERVICE_OFF = "off"
    SERVICE_GONE = "gone"
    QUANTITY = "quantity"
    LINK = "link"
    DUPLICATE = "duplicate"
    ORDER = "order"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """What the back office shows."""
        return _LABELS[self]


_LABELS = {
    RefusalMeaning.KEY: "Our key is wrong",
    RefusalMeaning.ACCOUNT: "Our account there is blocked",
    RefusalMeaning.FUNDS: "Our balance there is too low",
    RefusalMeaning.LIMIT: "Too many requests, or maintenance",
    RefusalMeaning.SERVICE_OFF: "The service is off for now",
    RefusalMeaning.SERVICE_GONE: "The service does not exist",
    RefusalMeaning.QUANTITY: "The quantity is too small or too large",
    RefusalMeaning.LINK: "The link is wrong",
    RefusalMeaning.DUPLICATE: "An order for this link is under way",
    RefusalMeaning.ORDER: "This order alone is refused",
    RefusalMeaning.UNKNOWN: "Not known",
}

# Refusals that may not be repeated at a later time: the order is not refused for good.
TEMPORARY = (
    RefusalMeaning.KEY,
    RefusalMeaning.ACCOUNT,
    RefusalMeaning.FUNDS,
    RefusalMeaning.LIMIT,
    RefusalMeaning.SERVICE_OFF,
    RefusalMeaning.DUPLICATE,
    RefusalMeaning.UNKNOWN,
)
ABOUT_OUR_ACCOUNT = (RefusalMeaning.KEY, RefusalMeaning.ACCOUNT)


class ReviewReason(TextEnum):
    """Why an order at a provider, or refused there, waits for a person."""

    NONE = ""
    UNEXPLAINED = "unexplained"  # refused with words that nobody has explained, like other orders of its route
    NO_REMAINS = "no remains"  # partial, and the provider does not say how much remains
    STATUS = "status"  # the provider gives an error, or a status that is not known

    @property
    def label(self) -> str:
        """What the back office shows."""
        return _REVIEW_LABELS[self]


_REVIEW_LABELS = {
    ReviewReason.NONE: "",
    ReviewReason.UNEXPLAINED: "Refused, reason not known",
    ReviewReason.NO_REMAINS: "Partial, remains not told",
    ReviewReason.STATUS: "Status not known",
}
