"""Delete data that is kept for a limited time only."""

from datetime import timedelta

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from tradepost.accounts import attempts_cache, sign_in_log
from tradepost.catalog.models import PendingImport, ServiceChange
from tradepost.database import engine_connection
from tradepost.engine import idempotency
from tradepost.orders import manual_work
from tradepost.orders.bulk_actions import lifecycle

CHANGES_KEPT = timedelta(days=90)  # three times as long as the panel shows them
PENDING_IMPORTS_KEPT = timedelta(days=1)


@app.periodic(cron="17 3 * * *")
@app.task(name="data.delete_expired", queueing_lock="forget", lock="forget")
def delete_expired(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Delete what is old: idempotency keys, service changes, imports, drafts, sessions, and the log of sign-ins."""
    with transaction.atomic():
        idempotency.delete_expired_keys(engine_connection())
        manual_work.release_ended(engine_connection())
    ServiceChange.objects.filter(at__lt=timezone.now() - CHANGES_KEPT).delete()
    lifecycle.delete_old_drafts()
    PendingImport.objects.filter(created_at__lt=timezone.now() - PENDING_IMPORTS_KEPT).delete()
    call_command("clearsessions")
    attempts_cache.sweep()
    sign_in_log.sweep()
