"""What is kept for a time only, forgotten when that is over."""

from datetime import timedelta

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from tradepost.catalog.models import PendingImport, ServiceChange
from tradepost.database import engine_connection
from tradepost.engine import idempotency
from tradepost.orders import manual_work
from tradepost.orders.bulk_actions import lifecycle

CHANGES_KEPT = timedelta(days=90)  # thrice as long as they are shown
PENDING_IMPORTS_KEPT = timedelta(days=1)


@app.periodic(cron="17 3 * * *")
@app.task(name="data.delete_expired", queueing_lock="forget", lock="forget")
def delete_expired(timestamp: int) -> None:  # noqa: ARG001 - what procrastinate gives to periodic tasks
    """Forget what is older than it is kept: keys, changes, uploads, looks at bulk actions, sessions that are over."""
    with transaction.atomic():
        idempotency.delete_expired_keys(engine_connection())
        manual_work.forget_ended(engine_connection())
    ServiceChange.objects.filter(at__lt=timezone.now() - CHANGES_KEPT).delete()
    lifecycle.forget_drafts()
    PendingImport.objects.filter(created_at__lt=timezone.now() - PENDING_IMPORTS_KEPT).delete()
    call_command("clearsessions")
