"""Whether the database has the orders that a run was answered: every one, once, and none that nobody asked for."""

from datetime import datetime
from typing import NamedTuple

import psycopg

from bench.desk import Desk
from bench.errors import Failed

LINKS_A_RUN = 10_000_000

_LINK = "https://pixelpond.example/p/{:012d}"  # as the scripts have it

_FOUND = """
SELECT count(*) FILTER (WHERE is_of_run), count(DISTINCT link) FILTER (WHERE is_of_run),
       min(created_at) FILTER (WHERE is_of_run), max(created_at) FILTER (WHERE is_of_run),
       count(*) FILTER (WHERE NOT is_of_run), min(link) FILTER (WHERE NOT is_of_run),
       min(created_at) FILTER (WHERE NOT is_of_run), max(created_at) FILTER (WHERE NOT is_of_run)
FROM (SELECT link, created_at, link BETWEEN %s AND %s AS is_of_run FROM orders_order WHERE id > %s) AS placed
"""


class _Found(NamedTuple):
    """The orders since a run began: those with its links, and those with others."""

    rows: int
    links: int
    began_at: datetime | None
    ended_at: datetime | None
    others: int
    others_link: str | None
    others_began_at: datetime | None
    others_ended_at: datetime | None


def check(desk: Desk, *, after: int, first: int, answered: int, connections: int) -> None:
    """Hold what was answered against the orders since this id, once all in flight are there too. Raises `Failed`.

    `first` is the number of the run's first link. wrk has one request under way on each connection and leaves without
    the last answers, so as many orders may be there unanswered, and no more: a connection that breaks may leave one
    behind too, but fails the run before. All that runs is waited for in the same way, so no order has another's link.
    """
    desk.count("orders_order", after=after)
    with psycopg.connect(desk.database_url, autocommit=True) as connection:
        links = [_LINK.format(first), _LINK.format(first + LINKS_A_RUN - 1)]
        row = connection.execute(_FOUND, [*links, after]).fetchone()
    assert row
    found = _Found(*row)
    if found.others or found.links < found.rows or not answered <= found.rows <= answered + connections:
        raise Failed(_told(found, answered, connections))


def _told(found: _Found, answered: int, connections: int) -> str:
    told = (
        f"{answered} were answered at {connections} connections, but of the run's {found.links} links"
        f" the database has {found.rows} orders, from {found.began_at} to {found.ended_at}"
    )
    if found.others:
        told += (
            f"; and {found.others} with other links, like {found.others_link},"
            f" from {found.others_began_at} to {found.others_ended_at}"
        )
    return told
