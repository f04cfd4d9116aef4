"""What a synchronous standby costs: a second PostgreSQL on this machine that gets each order before it is answered.

In the runs without a standby, it is stopped. With `remote write` a commit waits until the standby has given the order
to its operating system, with `on` until the order is on the standby's disk. Here both servers share the cores and the
disk. A standby on a machine of its own would cost a network round trip instead.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import typer

from bench import desks, rounds
from bench.desks import CUSTOMERS, Desk
from bench.loads import Loads
from bench.run_results import Run
from bench.workload import Goal, Part, Workload
from bench.workloads import api_actions
from testkit import process_memory
from testkit.errors import RunFailedError
from tradepost.config import environment
from tradepost.up.postgres import SYSTEM_USER, Postgres, wheel_programs

NAME = "standby"
CAUGHT_UP_SECONDS_MAX = 60
LOOK_SECONDS = 0.05
BEHIND_BYTES_MAX = 65_536
BACKUP_SECONDS_MAX = 120

# The value of `synchronous_commit` by the kind of a part; None: no standby.
_WAITS = {"without": None, "remote write": "remote_write", "on": "on"}


def measure(*, rounds_count: int, seconds: int, keep: bool) -> None:
    """Take the rounds on a fresh desk, prove its books, and print the tables. Raises `RunFailedError`."""
    typer.echo("Starting a fresh desk, and a standby of its database...", err=True)
    with desks.fresh() as running, _standby(running) as standby:
        loads = Loads()

        def run(part: Part, length: int) -> Run:
            standby.await_commits(_WAITS[part.kind])
            return loads.run(running, part, length)

        measured = rounds.take([_WORKLOAD], run, rounds=rounds_count, seconds=seconds)
        books = desks.check(running)
        peak = process_memory.peak_bytes(running.server)
    rounds.print_tables(measured, books, seconds=seconds, peak_bytes=peak, keep=keep)


def _part(connections: int, kind: str) -> Part:
    arguments = (str(CUSTOMERS), "1", "SERVICE", "FIRST")
    return Part(_label(connections, kind), kind, connections, api_actions.script("add"), arguments, is_ordering=True)


def _label(connections: int, kind: str) -> str:
    standby = kind if kind == "without" else f"standby, {kind}"
    return f"{standby}, {connections} connections"


_CONNECTIONS = (256, 64)
_WORKLOAD = Workload(
    "add",
    "orders",
    tuple(_part(connections, kind) for connections in _CONNECTIONS for kind in _WAITS),
    tuple(
        Goal(_label(connections, kind), _label(connections, "without"), 0.8 if connections == _CONNECTIONS[0] else None)
        for connections in _CONNECTIONS
        for kind in ("on", "remote write")
    ),
)


class _Standby:
    """The standby of a desk's database. It runs only while commits await it."""

    def __init__(self, database_url: str, server: Postgres) -> None:
        self._url = database_url
        self._server = server
        self._runs = False

    def await_commits(self, level: str | None) -> None:
        """Make commits await the standby at this level. None stops the standby, and commits wait for nothing."""
        if level is None:
            self._set(names="", level="on")
            if self._runs:
                self._server.stop()
                self._runs = False
            return
        if not self._runs:
            self._runs = True
            self._server.start()
        self._set(names=NAME, level=level)
        self._wait_until_synchronous()

    def _set(self, *, names: str, level: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
            connection.execute(f"ALTER SYSTEM SET synchronous_commit = '{level}'")
            connection.execute("SELECT pg_reload_conf()")

    def _wait_until_synchronous(self) -> None:
        deadline = time.monotonic() + CAUGHT_UP_SECONDS_MAX
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not connection.execute(
                "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND sync_state = 'sync'"
                " AND pg_current_wal_lsn() - replay_lsn < %s",
                [NAME, BEHIND_BYTES_MAX],
            ).fetchone():
                if time.monotonic() > deadline:
                    raise RunFailedError("the standby does not catch up")
                time.sleep(LOOK_SECONDS)


@contextmanager
def _standby(running: Desk) -> Iterator[_Standby]:
    """Make a standby of a desk's database, stopped at first; delete it when the context ends."""
    home = Path(tempfile.mkdtemp(prefix="tradepost-standby-"))
    server = Postgres(home, environment.postgres_bin())
    try:
        _back_up(running.database_url, home, server.data)
        standby = _Standby(running.database_url, server)
        try:
            yield standby
        finally:
            standby.await_commits(None)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _back_up(database_url: str, home: Path, data: Path) -> None:
    """Copy the running database, to become its standby. PostgreSQL's programs refuse to run as root."""
    user = SYSTEM_USER if os.geteuid() == 0 else None
    home.chmod(0o711)
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user, user)
    done = subprocess.run(
        [
            (environment.postgres_bin() or wheel_programs()) / "pg_basebackup", "-d",
            f"{database_url}&application_name={NAME}", "-D", data, "--write-recovery-conf", "--checkpoint=fast",
            "--create-slot", f"--slot={NAME}",
        ],
        check=False, capture_output=True, text=True, timeout=BACKUP_SECONDS_MAX, cwd="/",
        user=user, group=user, extra_groups=[] if user else None,
    )  # fmt: skip
    if done.returncode:
        raise RunFailedError(f"the database can't be copied: {done.stderr}")
    for lock in data.glob(".s.PGSQL.*.lock"):  # the socket of the copied server is in the same folder
        lock.unlink()
