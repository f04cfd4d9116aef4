"""Find stuck orders every few minutes."""

from procrastinate.contrib.django import app

from tradepost.database import in_transaction
from tradepost.orders import stuck_orders

COMPUTE_PACES_SECONDS = 1_800  # how often to compute how long the orders of each service usually take


@app.periodic(cron="*/5 * * * *")
@app.task(name="orders.find_stuck", queueing_lock="watch", lock="watch")
def find_stuck_orders(timestamp: int) -> None:
    """Find the orders that take too long. Every half hour, first compute how long is usual.

    `timestamp` counts the seconds since 1970.
    """
    if timestamp % COMPUTE_PACES_SECONDS == 0:
        in_transaction(stuck_orders.compute_paces)
    in_transaction(stuck_orders.find_stuck)
