"""The states of an order and the allowed moves between them: docs/protocol.md §2, docs/architecture.md, orders.

The customer sees `Status`, letter for letter. `Dispatch` is where the order stands with its upstream.
"""

from tradepost.engine.enums import TextEnum


class Status(TextEnum):
    """The status that the customer sees; the values are the protocol's strings."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    PARTIAL = "Partial"
    CANCELED = "Canceled"
    # For subscriptions only. A subscription is Active, Paused, Completed, Expired or Canceled.
    ACTIVE = "Active"
    PAUSED = "Paused"
    EXPIRED = "Expired"


class Dispatch(TextEnum):
    """Where an order stands with its upstream."""

    NONE = "none"  # no provider: staff fulfil the order by hand
    SIMULATED = "simulated"
    RUNS = "runs"  # a drip-feed: its runs are fulfilled, as orders of their own
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    UNSURE = "unsure"
    REFUSED = "refused"


DELIVERING = (Status.PENDING, Status.PROCESSING, Status.IN_PROGRESS)
SUBSCRIBED = (Status.ACTIVE, Status.PAUSED)
ACTIVE = DELIVERING + SUBSCRIBED  # has not ended
NOT_LEFT = frozenset({Dispatch.NONE, Dispatch.SIMULATED, Dispatch.QUEUED, Dispatch.REFUSED})

# An order moves forward. Once it has ended, it changes only if money is given back: a Completed order may still become
# Partial or Canceled, but never the other way round.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.PROCESSING, Status.IN_PROGRESS, Status.COMPLETED, Status.PARTIAL, Status.CANCELED}
    ),
    Status.PROCESSING: frozenset({Status.IN_PROGRESS, Status.COMPLETED, Status.PARTIAL, Status.CANCELED}),
    Status.IN_PROGRESS: frozenset({Status.PROCESSING, Status.COMPLETED, Status.PARTIAL, Status.CANCELED}),
    Status.COMPLETED: frozenset({Status.PARTIAL, Status.CANCELED}),
    Status.PARTIAL: frozenset({Status.CANCELED}),
    Status.CANCELED: frozenset(),
    Status.ACTIVE: frozenset({Status.PAUSED, Status.COMPLETED, Status.EXPIRED, Status.CANCELED}),
    Status.PAUSED: frozenset({Status.ACTIVE, Status.COMPLETED, Status.EXPIRED, Status.CANCELED}),
    Status.EXPIRED: frozenset(),
}


# An order that is `sending`, `sent` or `unsure` may exist upstream. It returns to the queue only if it certainly does
# not exist there. Only `queued` orders are sent.
DISPATCH_TRANSITIONS: dict[Dispatch, frozenset[Dispatch]] = {
    Dispatch.NONE: frozenset(),
    Dispatch.SIMULATED: frozenset(),
    Dispatch.RUNS: frozenset(),
    Dispatch.QUEUED: frozenset({Dispatch.SENDING, Dispatch.REFUSED}),
    Dispatch.SENDING: frozenset({Dispatch.SENT, Dispatch.QUEUED, Dispatch.REFUSED, Dispatch.UNSURE}),
    Dispatch.SENT: frozenset(),
    Dispatch.UNSURE: frozenset({Dispatch.SENT, Dispatch.QUEUED, Dispatch.REFUSED, Dispatch.SENDING}),
    Dispatch.REFUSED: frozenset({Dispatch.QUEUED}),
}


class RefillStatus(TextEnum):
    """How a refill stands; the values are the protocol's strings."""

    PENDING = "Pending"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    ERROR = "Error"


OPEN_REFILL = (RefillStatus.PENDING, RefillStatus.IN_PROGRESS)
ENDED_REFILL = frozenset({RefillStatus.COMPLETED, RefillStatus.REJECTED, RefillStatus.ERROR})
REFILL_TRANSITIONS: dict[RefillStatus, frozenset[RefillStatus]] = {
    RefillStatus.PENDING: ENDED_REFILL | {RefillStatus.IN_PROGRESS},
    RefillStatus.IN_PROGRESS: ENDED_REFILL,
    RefillStatus.COMPLETED: frozenset(),
    RefillStatus.REJECTED: frozenset(),
    # A person may still settle what the provider has left without a clear answer.
    RefillStatus.ERROR: frozenset({RefillStatus.COMPLETED, RefillStatus.REJECTED}),
}


class CancelState(TextEnum):
    """The state of a customer's cancel request, which is closed when its order ends."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"  # the provider gave no clear answer: a person decides, and the customer may ask again
