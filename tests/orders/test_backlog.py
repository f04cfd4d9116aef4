"""Counts of outgoing orders by provider."""

import psycopg


def test_counts_read_indexes_of_what_is_open(connection: psycopg.Connection) -> None:
    from tradepost.orders import backlog

    connection.execute("SET enable_seqscan = off")  # so few rows would be scanned even with an index
    rows = connection.execute(f"EXPLAIN {backlog._BACKLOGS}", {"max": 10}).fetchall()
    plan = "\n".join(line for (line,) in rows)
    for index in ("upstream_queued", "upstream_sent", "upstream_open"):
        assert index in plan
    assert "Seq Scan on orders_upstreamorder" not in plan
