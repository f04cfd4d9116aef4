"""All tasks of fulfilment. Procrastinate looks for tasks in this module."""

from tradepost.fulfilment.tasks.bulk_actions import resume_bulk_actions, run_bulk_action
from tradepost.fulfilment.tasks.cleanup import delete_expired
from tradepost.fulfilment.tasks.drip_feeds import make_due_runs
from tradepost.fulfilment.tasks.mails import send_mails
from tradepost.fulfilment.tasks.provider_sync import sync_all_providers, sync_provider
from tradepost.fulfilment.tasks.simulator import simulate
from tradepost.fulfilment.tasks.stalled_jobs import release_stalled_jobs
from tradepost.fulfilment.tasks.stuck_orders import find_stuck_orders
from tradepost.fulfilment.tasks.subscriptions import expire_subscriptions
from tradepost.fulfilment.tasks.visits import visit_provider, wake_due_visits

__all__ = [
    "delete_expired",
    "expire_subscriptions",
    "find_stuck_orders",
    "make_due_runs",
    "release_stalled_jobs",
    "resume_bulk_actions",
    "run_bulk_action",
    "send_mails",
    "simulate",
    "sync_all_providers",
    "sync_provider",
    "visit_provider",
    "wake_due_visits",
]
