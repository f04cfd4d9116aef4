"""The parameters and answers of each action, for the API's documentation. `v2` runs the actions."""

import msgspec

from tradepost.api.v2 import IDS_MAX
from tradepost.engine.actions import Action
from tradepost.engine.idempotency import KEY_CHARS_MAX
from tradepost.engine.order_types import ID, Parameter, ParameterKind, number


class ActionDoc(msgspec.Struct, frozen=True):
    """The documentation of an action.

    `answers` are names of schemas in `responses.ANSWERS`. A request needs at least one parameter of `one_of`.
    """

    description: str
    answers: tuple[str, ...]
    parameters: dict[str, Parameter] = {}
    one_of: tuple[str, ...] = ()


_IDS = ParameterKind(str.strip, pattern=rf"^[0-9]+( *, *[0-9]+){{0,{IDS_MAX - 1}}}$")
_NAME = ParameterKind(str.strip, chars_max=KEY_CHARS_MAX)

_ORDER = Parameter(ID, "The id of an order.", "23501")
_ORDERS = Parameter(_IDS, f"Ids of orders, up to {IDS_MAX}, separated by commas; the answer is for many.", "1,10,100")
_REFILL = Parameter(ID, "The id of a refill.", "1")
_REFILLS = Parameter(_IDS, f"Ids of refills, up to {IDS_MAX}, separated by commas; the answer is for many.", "1,2,3")
_BY_ORDER = {"order": _ORDER, "orders": _ORDERS}

# The parameters of `add` that don't depend on the type of the service.
IDEMPOTENCY_KEY = Parameter(
    _NAME, "What you call this order: asked for again by the same name, it is the first order again.", "basket-71"
)
NAMES = {
    "idempotency_key": IDEMPOTENCY_KEY,
    "request_id": Parameter(_NAME, "The same as `idempotency_key`.", "basket-71"),
}

ACTIONS: dict[Action, ActionDoc] = {
    Action.ADD: ActionDoc("Place an order. Its service's type decides which parameters it takes.", ("Placed",), NAMES),
    Action.BALANCE: ActionDoc("Tell the account's balance.", ("Balance",)),
    Action.CANCEL: ActionDoc(
        "Cancel orders. What has not left yet is refunded at once; whoever fulfils the rest is asked. "
        "A drip-feed makes no further run.",
        ("Cancels",),
        _BY_ORDER,
        ("order", "orders"),
    ),
    Action.ORDERS: ActionDoc(
        "List the newest orders of the account; runs and posts are in their drip-feeds and subscriptions.",
        ("Orders",),
        {
            "limit": Parameter(number(1, IDS_MAX), f"How many, {IDS_MAX} if not told.", "10"),
            "before": Parameter(ID, "List the orders with ids below this one.", "23501"),
        },
    ),
    Action.REFILL: ActionDoc(
        "Ask for what has dropped off completed orders, as their services allow. Of a drip-feed or a subscription the "
        "runs or posts are refilled.",
        ("Refill", "Refills"),
        _BY_ORDER,
        ("order", "orders"),
    ),
    Action.REFILL_STATUS: ActionDoc(
        "Tell how refills stand; of an order, its newest one.",
        ("RefillStatus", "RefillStatuses"),
        {"refill": _REFILL, "refills": _REFILLS, **_BY_ORDER},
        ("refill", "refills", "order", "orders"),
    ),
    Action.SERVICES: ActionDoc("List what is on sale to this account, at its rates.", ("Services",)),
    Action.STATUS: ActionDoc(
        "Tell how orders stand.",
        ("Status", "DripfeedStatus", "SubscriptionStatus", "Statuses"),
        _BY_ORDER,
        ("order", "orders"),
    ),
}
