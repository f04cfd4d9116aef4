"""Sync the service lists of providers, every hour and on demand. A list is stored as a whole or not at all."""

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

from tradepost.audit import actor
from tradepost.fulfilment import provider_pause
from tradepost.providers import service_list, service_sync
from tradepost.providers.models import Provider, ProviderService
from tradepost.providers.snapshot import ProviderUnreachableError, fetch_snapshot


@app.periodic(cron="7 * * * *")
@app.task(name="provider.sync_all", queueing_lock="sync all", lock="sync all")
def sync_all_providers(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Queue a sync of every provider that is not paused."""
    for provider in Provider.objects.filter(is_paused=False).values_list("pk", flat=True):
        defer_sync(provider)


def defer_sync(provider: int) -> bool:
    """Queue a sync of the provider. Return False if one is queued already."""
    lock = _lock(provider)
    try:
        with transaction.atomic():
            sync_provider.configure(queueing_lock=lock, lock=lock).defer(provider=provider)
    except AlreadyEnqueued:
        return False
    return True


def is_syncing(provider: int) -> bool:
    """Return whether a sync of the provider is queued or under way."""
    return ProcrastinateJob.objects.filter(lock=_lock(provider), status__in=("todo", "doing")).exists()


def _lock(provider: int) -> str:
    return f"sync {provider}"


@app.task(name="provider.sync")
def sync_provider(provider: int) -> None:
    """Fetch the provider's list and store it. If the list is empty or broken, store only the reason (`sync_error`)."""
    rows = Provider.objects.filter(pk=provider)
    row = rows.first()
    if row is None:
        return  # deleted since the job was queued
    try:
        snapshot = fetch_snapshot(row)
        with transaction.atomic():
            actor.disable_for_transaction()
            known = ProviderService.objects.filter(provider=provider, is_delisted=False).count()
            update = service_list.store_changes(provider, service_list.parse(snapshot.services, known=known))
            service_sync.sync_services(provider, update.rates_before)
            rows.update(synced_at=timezone.now(), sync_error="", balance_error=snapshot.balance_error)
            if snapshot.balance:
                provider_pause.note_balance(provider, snapshot.balance.balance)
    except (ProviderUnreachableError, service_list.ServiceListError) as error:
        rows.update(sync_error=str(error))
