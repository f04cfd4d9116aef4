"""Poll providers for the status of orders and for balances, and store the answers."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial

from django.db.models import Q
from django.db.models.functions import Now

from tradepost.database import in_transaction
from tradepost.engine import money, polling
from tradepost.engine.polling import PolledOrder, UpstreamStatus
from tradepost.engine.statuses import Status
from tradepost.fulfilment import provider_pause
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers.models import Provider
from tradepost.providers.snapshot import BALANCE_MAX
from tradepost_client import Balance, Client, Declined, PanelError, Standing, StandingOf

IDS_A_REQUEST = 100
REQUESTS_A_BATCH = 10
BALANCE_EVERY = timedelta(minutes=5)


def poll_orders(throttled: ThrottledClient, provider: Provider) -> bool:
    """Poll the next batch of orders, and the balance if it is due.

    Return whether the visit may go on: there were orders to poll, and no answer paused the provider.
    """
    _poll_balance(throttled, provider)
    limit = IDS_A_REQUEST * REQUESTS_A_BATCH
    orders = in_transaction(partial(polling.next_batch, provider=provider.pk, limit=limit))
    batches = [orders[first : first + IDS_A_REQUEST] for first in range(0, len(orders), IDS_A_REQUEST)]
    may_go_on = True
    for answered in throttled.call_each(batches, _statuses):
        for _, answer in answered:
            may_go_on = not provider_pause.pause_after(provider, answer) and may_go_on
        statuses = [
            _status(order, answer.get(order.upstream_id), provider.exchange_rate)
            for batch, answer in answered
            if not isinstance(answer, PanelError)
            for order in batch
        ]
        in_transaction(partial(polling.apply_statuses, provider=provider.pk, seen=statuses))
    return bool(orders) and may_go_on


def _statuses(client: Client, batch: Sequence[PolledOrder]) -> dict[str, StandingOf]:
    return {str(id_): standing for id_, standing in client.statuses([order.upstream_id for order in batch]).items()}


def _status(order: PolledOrder, answer: StandingOf | None, exchange_rate: Decimal) -> UpstreamStatus:
    if isinstance(answer, Declined):
        return UpstreamStatus(order.order, error=answer.error)
    if not isinstance(answer, Standing):
        return UpstreamStatus(order.order)
    cost = None if answer.charge is None else _amount(answer.charge * exchange_rate)
    if answer.status is None:
        return UpstreamStatus(order.order, error=f"status {answer.raw_status}" if answer.raw_status else "")
    posts = tuple(str(id_) for id_ in answer.orders) if answer.posts is not None else ()
    return UpstreamStatus(
        order.order, Status(answer.status.value), answer.start_count, answer.remains, cost, posts=posts
    )


def _poll_balance(throttled: ThrottledClient, provider: Provider) -> None:
    """Update the provider's balance if it is due. The time is set first, so only one worker asks for it."""
    due = Provider.objects.filter(pk=provider.pk).filter(Q(balance_at=None) | Q(balance_at__lt=Now() - BALANCE_EVERY))
    if due.update(balance_at=Now()):
        answer = throttled.call(lambda client: client.balance())
        balance = _amount(answer.balance) if isinstance(answer, Balance) else None
        if balance is not None:
            Provider.objects.filter(pk=provider.pk).update(balance=balance)


def _amount(amount: Decimal) -> Decimal | None:
    """Return the amount as the database stores it; None if the database can't hold it."""
    return money.to_amount(amount) if abs(amount) <= BALANCE_MAX else None
