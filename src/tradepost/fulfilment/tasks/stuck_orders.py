"""Which orders take too long: looked for every few minutes."""

from procrastinate.contrib.django import app

from tradepost.database import in_transaction
from tradepost.orders import stuck_orders

RECKON_SECONDS = 1_800  # how often it is reckoned anew what is usual


@app.periodic(cron="*/5 * * * *")
@app.task(name="orders.find_stuck", queueing_lock="watch", lock="watch")
def find_stuck_orders(timestamp: int) -> None:
    """Find the orders that take longer than is usual; every half hour of `timestamp` (since 1970), what that is."""
    if timestamp % RECKON_SECONDS == 0:
        in_transaction(stuck_orders.compute_paces)
    in_transaction(stuck_orders.find_stuck)
