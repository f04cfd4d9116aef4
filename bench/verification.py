"""Verifies a run of orders: the database must have every order that was answered, once, and no others."""

from datetime import datetime
from typing import NamedTuple

import psycopg

from bench.desks import Desk
from testkit.errors import RunFailedError

LINKS_A_RUN = 10_000_000

_LINK = "https://pixelpond.example/p/{:012d}"  # the same as in add.lua

_PLACED = """
SELECT count(*) FILTER (WHERE is_of_run), count(DISTINCT link) FILTER (WHERE is_of_run),
       min(created_at) FILTER (WHERE is_of_run), max(created_at) FILTER (WHERE is_of_run),
       count(*) FILTER (WHERE NOT is_of_run), min(link) FILTER (WHERE NOT is_of_run),
       min(created_at) FILTER (WHERE NOT is_of_run), max(created_at) FILTER (WHERE NOT is_of_run)
FROM (SELECT link, created_at, link BETWEEN %s AND %s AS is_of_run FROM orders_order WHERE id > %s) AS placed
"""


class _Placed(NamedTuple):
    """The orders placed since a run began: those with its links, and others."""

    rows: int
    links: int
    began_at: datetime | None
    ended_at: datetime | None
    others: int
    others_link: str | None
    others_began_at: datetime | None
    others_ended_at: datetime | None


def check_orders(desk: Desk, *, after: int, first: int, answered: int, connections: int) -> None:
    """Compare the answers of a run with the orders whose id is above `after`. Raises `RunFailedError`.

    `first` is the number of the run's first link. wrk stops without waiting for the last answer on each connection, so
    the database may have that many orders more, but not more than that: a broken connection could leave an order too,
    but then the run has already failed. `desk.count` waits for the requests in flight, so no order of this run appears
    in the next one.
    """
    desk.count("orders_order", after=after)
    with psycopg.connect(desk.database_url, autocommit=True) as connection:
        links = [_LINK.format(first), _LINK.format(first + LINKS_A_RUN - 1)]
        row = connection.execute(_PLACED, [*links, after]).fetchone()
    assert row
    placed = _Placed(*row)
    if placed.others or placed.links < placed.rows or not answered <= placed.rows <= answered + connections:
        raise RunFailedError(_difference(placed, answered, connections))


def _difference(placed: _Placed, answered: int, connections: int) -> str:
    message = (
        f"{answered} were answered at {connections} connections, but of the run's {placed.links} links"
        f" the database has {placed.rows} orders, from {placed.began_at} to {placed.ended_at}"
    )
    if placed.others:
        message += (
            f"; and {placed.others} with other links, like {placed.others_link},"
            f" from {placed.others_began_at} to {placed.others_ended_at}"
        )
    return message
