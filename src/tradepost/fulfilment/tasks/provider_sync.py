"""Providers' lists: read each hour and on demand, taken in whole or not at all, and followed."""

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tradepost.audit import actor
from tradepost.providers import service_list, service_sync
from tradepost.providers.models import Provider, ProviderService
from tradepost.providers.snapshot import ProviderUnreachableError, fetch


@app.periodic(cron="7 * * * *")
@app.task(name="provider.sync_all", queueing_lock="sync all", lock="sync all")
def sync_all_providers(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Have every provider's list read that is not paused."""
    for provider in Provider.objects.filter(is_paused=False).values_list("pk", flat=True):
        start(provider)


def start(provider: int) -> bool:
    """Have a provider's list read as soon as a worker is free. Tell whether that was not on its way already."""
    one = f"sync {provider}"
    try:
        with transaction.atomic():
            sync_provider.configure(queueing_lock=one, lock=one).defer(provider=provider)
    except AlreadyEnqueued:
        return False
    return True


@app.task(name="provider.sync")
def sync_provider(provider: int) -> None:
    """Read a provider's list and take it in. A list that is empty or broken changes nothing; it is said why."""
    asked = Provider.objects.filter(pk=provider)
    seller = asked.first()
    if seller is None:
        return  # deleted since
    try:
        told = fetch(seller)
        with transaction.atomic():
            actor.disable_for_transaction()
            known = ProviderService.objects.filter(provider=provider, is_delisted=False).count()
            update = service_list.take_in(provider, service_list.parse(told.services, known=known))
            service_sync.sync_services(provider, update.rates_before)
            now = timezone.now()
            asked.update(synced_at=now, sync_error="", balance=told.balance.balance, balance_at=now)
    except (ProviderUnreachableError, service_list.ServiceListError) as error:
        asked.update(sync_error=str(error))
