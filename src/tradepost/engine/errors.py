"""Why a request is refused: one class an error, its wire string here and nowhere else (docs/protocol.md §4).

Downstream panels decide by these strings whether to retry or to refund, so a letter counts.

    Refusal
    ├── InvalidKey
    ├── IncorrectRequest
    ├── BodyNotUnderstood
    ├── IncorrectService
    ├── BadLink
    ├── IncorrectParameter      names the parameter
    ├── QuantityTooSmall        names the minimum
    ├── QuantityTooLarge        names the maximum
    ├── LinkHasActiveOrder
    ├── NotEnoughFunds
    ├── IncorrectOrder
    ├── RefillNotAvailable
    ├── RefillNotEligible
    ├── RefillNotFound
    ├── CancelNotEligible
    └── IdempotencyKeyReused
"""

from tradepost.engine.exceptions import TradepostError


class Refusal(TradepostError):  # noqa: N818 - an expected answer, given back as a value more often than raised
    """An answer the protocol foresees: the request was understood and is declined. `str()` is the wire string.

    A class whose string tells something has a place for that in its own `text`, in angle brackets.
    """

    text = ""

    def __str__(self) -> str:
        return self.text


class InvalidKey(Refusal):
    """The key is missing, unknown, revoked, or not for this action or address; or its account is suspended."""

    text = "Invalid API key"


class IncorrectRequest(Refusal):
    """The action is missing or unknown, or a list of ids is missing or longer than 100."""

    text = "Incorrect request"


class BodyNotUnderstood(Refusal):
    """The body is neither form, multipart nor JSON, so that the key or the action could not be read."""

    text = "Incorrect request: the body was not understood"


class IncorrectService(Refusal):
    """There is no such service, or it is not for sale to this account."""

    text = "Incorrect service ID"


class BadLink(Refusal):
    """The link is missing, too long, or against the service's rule."""

    text = "Bad link"


class IncorrectParameter(Refusal):
    """A parameter is missing or wrong."""

    text = "Incorrect <parameter>"

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter
        self.text = f"Incorrect {parameter}"


class QuantityTooSmall(Refusal):
    """The quantity, after its type's rule, is below the service's minimum."""

    text = "Quantity less than minimal <N>"

    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.text = f"Quantity less than minimal {minimum}"


class QuantityTooLarge(Refusal):
    """The quantity, after its type's rule, is above the service's maximum."""

    text = "Quantity more than maximum <N>"

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.text = f"Quantity more than maximum {maximum}"


class LinkHasActiveOrder(Refusal):
    """The service allows one active order a link, and the account has one."""

    text = "You have active order with this link. Please wait until order being completed."


class NotEnoughFunds(Refusal):
    """Balance plus credit limit is less than the charge."""

    text = "Not enough funds on balance"


class IncorrectOrder(Refusal):
    """The order is unknown or another customer's; the two are never told apart."""

    text = "Incorrect order ID"


class RefillNotAvailable(Refusal):
    """The order's service has no refill."""

    text = "Refill is not available for this service"


class RefillNotEligible(Refusal):
    """The order is not completed, its refill is open already, too early or too late."""

    text = "You are not eligible to send refill request."


class RefillNotFound(Refusal):
    """The refill is unknown or another customer's."""

    text = "Refill not found"


class CancelNotEligible(Refusal):
    """The order's service has no cancel, the order is over, or it has been asked for already."""

    text = "You are not eligible to cancel this order."


class IdempotencyKeyReused(Refusal):
    """The idempotency key came with another order before."""

    text = "Idempotency key was used with other parameters"
