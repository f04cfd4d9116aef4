"""A worker process: procrastinate's tasks, until SIGTERM or SIGINT. Django must be set up before this is imported."""

import asyncio

from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

STOP_SECONDS_MAX = 2


def work() -> None:
    """Run the tasks that are due and those that come."""
    asyncio.run(_work())


async def _work() -> None:
    connector = app.connector
    assert isinstance(connector, DjangoConnector)
    async with app.with_connector(connector.get_worker_connector()).open_async() as worker:
        await worker.run_worker_async(shutdown_graceful_timeout=STOP_SECONDS_MAX)
