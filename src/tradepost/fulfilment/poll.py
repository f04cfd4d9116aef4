"""Poll providers for the status of orders and for balances, and store the answers."""

from datetime import timedelta
from decimal import Decimal
from functools import partial

from django.db.models import Q
from django.db.models.functions import Now

from tradepost.database import in_transaction
from tradepost.engine import money, polling
from tradepost.engine.polling import PolledOrder, UpstreamStatus
from tradepost.engine.statuses import Status
from tradepost.fulfilment import id_batches, provider_pause
from tradepost.fulfilment.id_batches import IdAction
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers import snapshot
from tradepost.providers.models import Provider
from tradepost.providers.snapshot import BALANCE_MAX
from tradepost_client import Balance, Declined, Standing, StandingOf

IDS_A_REQUEST = 100
REQUESTS_A_BATCH = 10
BALANCE_EVERY = timedelta(minutes=5)
BALANCE_EVERY_WITHOUT_FUNDS = timedelta(minutes=1)

STATUS = IdAction[StandingOf](
    "status", lambda client, ids: client.statuses(ids), lambda client, id_: client.status(id_), only_reads=True
)


def poll_orders(throttled: ThrottledClient, provider: Provider) -> bool:
    """Poll the next batch of orders, and the balance if it is due.

    Return whether the visit may go on: there were orders to poll, and no answer paused the provider.
    """
    _poll_balance(throttled, provider)
    limit = id_batches.ids_a_round(provider, STATUS, IDS_A_REQUEST * REQUESTS_A_BATCH)
    orders = in_transaction(partial(polling.next_batch, provider=provider.pk, limit=limit))
    by_id = {order.upstream_id: order for order in orders}
    batches = id_batches.batches(provider, STATUS, list(by_id), IDS_A_REQUEST)
    may_go_on = True
    for answered in throttled.run_each(batches, lambda ids: id_batches.ask(throttled, provider, STATUS, ids)):
        for ids, answers in answered:
            id_batches.remember(provider, STATUS, answers)
            if answers.error:
                may_go_on = not provider_pause.pause_after(provider, [answers.error]) and may_go_on
            seen = [
                _status(by_id[id_], answers.by_id[id_], provider.exchange_rate) for id_ in ids if id_ in answers.by_id
            ]
            in_transaction(partial(polling.apply_statuses, provider=provider.pk, seen=seen))
    return bool(orders) and may_go_on


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
    every = BALANCE_EVERY if provider.funds_limit is None else BALANCE_EVERY_WITHOUT_FUNDS
    due = Provider.objects.filter(pk=provider.pk).filter(Q(balance_at=None) | Q(balance_at__lt=Now() - every))
    if not due.update(balance_at=Now()):
        return
    answer = throttled.call(lambda client: client.balance())
    balance = _amount(answer.balance) if isinstance(answer, Balance) else None
    if balance is None:
        Provider.objects.filter(pk=provider.pk).update(balance_error=snapshot.balance_problem(answer))
    else:
        provider_pause.note_balance(provider.pk, balance)


def _amount(amount: Decimal) -> Decimal | None:
    """Return the amount as the database stores it; None if the database can't hold it."""
    return money.to_amount(amount) if abs(amount) <= BALANCE_MAX else None
