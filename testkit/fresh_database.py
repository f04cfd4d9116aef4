"""A fresh database for a run that needs no desk, deleted at the end."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradepost.config import environment
from tradepost.up.postgres import Postgres


@contextmanager
def fresh_database() -> Iterator[str]:
    """Start an embedded PostgreSQL, make the schema, and yield the database's URL.

    The environment of this process, and so of the workers that it starts, points there from then on.
    """
    home = Path(tempfile.mkdtemp(prefix="tradepost-faults-"))
    postgres = Postgres(home, environment.postgres_bin())
    try:
        postgres.start()
        os.environ |= {
            "TRADEPOST_HOME": str(home),
            "DATABASE_URL": postgres.url,
            "TRADEPOST_PRIVATE_ADDRESSES": "allow",
            "DJANGO_SETTINGS_MODULE": "tradepost.config.settings",
        }
        subprocess.run([sys.executable, "-m", "tradepost.cli", "migrate"], check=True, stdout=subprocess.DEVNULL)
        yield postgres.url
    finally:
        postgres.stop()
        shutil.rmtree(home, ignore_errors=True)
