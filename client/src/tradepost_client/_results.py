"""What a panel's answers are read into. Amounts are `Decimal`; what a panel did not tell is None or empty."""

from decimal import Decimal
from enum import StrEnum

import msgspec

type Id = int | str
"""An id as the panel gave it: a number if it is one and would be written the same again, else the text."""


class Status(StrEnum):
    """How an order or a subscription stands; the values are the protocol's strings (§2)."""

    PENDING = "Pending"
    PROCESSING = "Processing"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    PARTIAL = "Partial"
    CANCELED = "Canceled"
    ACTIVE = "Active"
    PAUSED = "Paused"
    EXPIRED = "Expired"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is going to be delivered."""
        return self in {Status.COMPLETED, Status.PARTIAL, Status.CANCELED, Status.EXPIRED}


class RefillStatus(StrEnum):
    """How a refill stands; the values are the protocol's strings (§2)."""

    PENDING = "Pending"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    ERROR = "Error"


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What a panel sells. `rate` is the price of 1,000, or of the package."""

    service: Id
    name: str
    type: str
    category: str
    rate: Decimal | None
    min: int | None
    max: int | None
    refill: bool
    cancel: bool
    dripfeed: bool
    description: str
    average_time: str


class Balance(msgspec.Struct, frozen=True):
    """What is left to order for. `currency` is empty if the panel does not tell."""

    balance: Decimal
    currency: str


class Placed(msgspec.Struct, frozen=True):
    """An order that the panel has accepted."""

    order: Id


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands.

    `status` is None where `raw_status`, the panel's own text, is none that is known. `runs` and `orders` are told of
    drip-feeds; `posts`, `expiry` and `orders` of subscriptions.
    """

    status: Status | None
    raw_status: str
    charge: Decimal | None = None
    start_count: int | None = None
    remains: int | None = None
    currency: str = ""
    runs: int | None = None
    posts: int | None = None
    expiry: str = ""
    orders: tuple[Id, ...] = ()


class ListedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order in the list of the newest ones. `created` is as the panel writes it; a Tradepost writes UTC."""

    order: Id
    service: Id | None
    link: str
    quantity: int | None
    created: str
    standing: Standing


class Refill(msgspec.Struct, frozen=True):
    """A refill that the panel has accepted."""

    refill: Id


class RefillStanding(msgspec.Struct, frozen=True):
    """How a refill stands; `status` is None where `raw_status`, the panel's own text, is none that is known."""

    status: RefillStatus | None
    raw_status: str


class CancelAccepted(msgspec.Struct, frozen=True):
    """The panel takes the wish to cancel; what is given back shows in the order's status, later."""


class Declined(msgspec.Struct, frozen=True):
    """Of many asked about, the panel answers an error for this one."""

    error: str


class Unreadable(msgspec.Struct, frozen=True):
    """Of many asked about, nothing can be said of this one: the panel left it out, or `raw` makes no sense."""

    raw: str


type StandingOf = Standing | Declined | Unreadable
type RefillOf = Refill | Declined | Unreadable
type RefillStandingOf = RefillStanding | Declined | Unreadable
type CancelOf = CancelAccepted | Declined | Unreadable
