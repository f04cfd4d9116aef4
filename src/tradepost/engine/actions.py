"""The names of the API's actions (docs/protocol.md §1).

The API, its OpenAPI document and the panel's API reference each have a table by these names. Tests check the tables
against this list.
"""

from tradepost.engine.enums import TextEnum


class Action(TextEnum):
    """An action of the API; the values are the protocol's strings."""

    ADD = "add"
    BALANCE = "balance"
    CANCEL = "cancel"
    ORDERS = "orders"
    REFILL = "refill"
    REFILL_STATUS = "refill_status"
    SERVICES = "services"
    STATUS = "status"
