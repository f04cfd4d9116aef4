"""A worker process: procrastinate's tasks, until SIGTERM or SIGINT."""

import asyncio

import django

STOP_SECONDS_MAX = 2


def work() -> None:
    """Run the tasks that are due and those that come."""
    django.setup()
    asyncio.run(_work())


async def _work() -> None:
    # There is no app before Django is set up.
    from procrastinate.contrib.django import app  # noqa: PLC0415
    from procrastinate.contrib.django.django_connector import DjangoConnector  # noqa: PLC0415

    connector = app.connector
    assert isinstance(connector, DjangoConnector)
    async with app.with_connector(connector.get_worker_connector()).open_async() as worker:
        await worker.run_worker_async(shutdown_graceful_timeout=STOP_SECONDS_MAX)
