"""Results of calls. Amounts are `Decimal`. A value that the panel did not send is None or empty."""

from decimal import Decimal
from enum import StrEnum

import msgspec

type Id = int | str
"""An id as the panel gave it: an int if the int is written the same way, else the text."""


class Status(StrEnum):
    """The status of an order or a subscription. The values are the protocol's strings (docs/protocol.md §2)."""

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
        """Whether the panel will deliver nothing more."""
        return self in {Status.COMPLETED, Status.PARTIAL, Status.CANCELED, Status.EXPIRED}


class RefillStatus(StrEnum):
    """The status of a refill. The values are the protocol's strings (docs/protocol.md §2)."""

    PENDING = "Pending"
    IN_PROGRESS = "In progress"
    COMPLETED = "Completed"
    REJECTED = "Rejected"
    ERROR = "Error"


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A service that a panel sells. `rate` is the price of 1,000, or of one package.

    `type` is in the protocol's spelling if the type is known (see `order_type`), else as the panel writes it. `min` or
    `max` is None if there is no limit, or none that can be read. The texts are text, without HTML entities.
    """

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
    """What is left in the account. `currency` is empty if the panel does not send it."""

    balance: Decimal
    currency: str


class Placed(msgspec.Struct, frozen=True):
    """An order that the panel has accepted."""

    order: Id


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How an order stands.

    `raw_status` is the panel's own text. If that text is unknown, `status` is None. Drip-feeds have `runs` and
    `orders`; subscriptions have `posts`, `expiry` and `orders`.
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
    """An order in the list of the newest orders. `created` is as the panel writes it; Tradepost writes UTC."""

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
    """How a refill stands. `raw_status` is the panel's own text. If that text is unknown, `status` is None."""

    status: RefillStatus | None
    raw_status: str


class CancelAccepted(msgspec.Struct, frozen=True):
    """The panel accepted the request to cancel. The order's status shows later how much was given back."""


class Declined(msgspec.Struct, frozen=True):
    """In an answer about many ids: the panel's error for this id."""

    error: str


class Unreadable(msgspec.Struct, frozen=True):
    """In an answer about many ids: the panel left this id out (`raw` is empty), or `raw` can't be understood."""

    raw: str


type StandingOf = Standing | Declined | Unreadable
type RefillOf = Refill | Declined | Unreadable
type RefillStandingOf = RefillStanding | Declined | Unreadable
type CancelOf = CancelAccepted | Declined | Unreadable
