"""Asking providers how orders stand, and taking in what they say."""

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


def ask(line: ThrottledClient, provider: Provider) -> bool:
    """Ask about the orders that are next, and for the balance now and then; tell whether there was anything to ask."""
    _ask_balance(line, provider)
    limit = IDS_A_REQUEST * REQUESTS_A_BATCH
    watched = in_transaction(partial(polling.next_batch, provider=provider.pk, limit=limit))
    batches = [watched[first : first + IDS_A_REQUEST] for first in range(0, len(watched), IDS_A_REQUEST)]
    is_well = True
    for answered in line.each(batches, _statuses):
        for _, answer in answered:
            is_well = not provider_pause.pause_after(provider, answer) and is_well
        seen = [
            _seen(order, answer.get(order.upstream_id), provider.exchange_rate)
            for batch, answer in answered
            if not isinstance(answer, PanelError)
            for order in batch
        ]
        in_transaction(partial(polling.apply_statuses, provider=provider.pk, seen=seen))
    return bool(watched) and is_well


def _statuses(client: Client, batch: Sequence[PolledOrder]) -> dict[str, StandingOf]:
    return {str(id_): standing for id_, standing in client.statuses([each.upstream_id for each in batch]).items()}


def _seen(order: PolledOrder, said: StandingOf | None, exchange_rate: Decimal) -> UpstreamStatus:
    if isinstance(said, Declined):
        return UpstreamStatus(order.order, error=said.error)
    if not isinstance(said, Standing):
        return UpstreamStatus(order.order)
    cost = None if said.charge is None else _amount(said.charge * exchange_rate)
    if said.status is None:
        return UpstreamStatus(order.order, error=f"status {said.raw_status}" if said.raw_status else "")
    posts = tuple(str(id_) for id_ in said.orders) if said.posts is not None else ()
    return UpstreamStatus(order.order, Status(said.status.value), said.start_count, said.remains, cost, posts=posts)


def _ask_balance(line: ThrottledClient, provider: Provider) -> None:
    """Learn what is left at a provider. Who asks first notes it: others need not."""
    due = Provider.objects.filter(pk=provider.pk).filter(Q(balance_at=None) | Q(balance_at__lt=Now() - BALANCE_EVERY))
    if due.update(balance_at=Now()):
        answer = line.call(lambda client: client.balance())
        told = _amount(answer.balance) if isinstance(answer, Balance) else None
        if told is not None:
            Provider.objects.filter(pk=provider.pk).update(balance=told)


def _amount(told: Decimal) -> Decimal | None:
    """Return an amount as the database has it; None for one that can't be."""
    return money.to_amount(told) if abs(told) <= BALANCE_MAX else None
