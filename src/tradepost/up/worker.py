"""A worker process: procrastinate's tasks, until SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal

import django

from tradepost.audit import actor

JOBS_AT_A_TIME = 12  # a visit to a provider lasts, so a few of them must leave room for everything else
STOP_SECONDS_MAX = 40  # for answers of providers that are awaited: without them, orders that were being sent are unsure
HEARTBEAT_SECONDS = 2


def work() -> None:
    """Run the tasks that are due and those that come."""
    django.setup()
    actor.set_actor(actor.ActorKind.WORKER, "worker")
    asyncio.run(_work())


async def _work() -> None:
    # There is no app before Django is set up.
    from procrastinate.contrib.django import app  # noqa: PLC0415
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415

    from tradepost import shutdown  # noqa: PLC0415
    from tradepost.fulfilment import throttled_client  # noqa: PLC0415
    from tradepost.fulfilment.tasks import stalled_jobs  # noqa: PLC0415

    connector = app.connector
    assert isinstance(connector, DjangoConnector)
    async with app.with_connector(connector.get_worker_connector()).open_async() as worker:
        running = asyncio.ensure_future(
            worker.run_worker_async(
                concurrency=JOBS_AT_A_TIME,
                shutdown_graceful_timeout=STOP_SECONDS_MAX,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=stalled_jobs.STALLED_SECONDS,
                install_signal_handlers=False,
            )
        )

        def stop() -> None:
            shutdown.stop()
            running.cancel()

        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop)
        with contextlib.suppress(asyncio.CancelledError):
            await running
    throttled_client.close_clients()
