"""What is alike in every process that runs tests, wherever and whenever; importing this makes it so.

Hypothesis measures no time: on a slow machine it would fail a test that is right. And whatever the caller's environment
says to the desk, to PostgreSQL or to HTTP clients, tests say for themselves.
"""

import os

from hypothesis import HealthCheck, settings

KEPT = "TRADEPOST_POSTGRES_BIN"  # which PostgreSQL they run on is the caller's choice
FOREIGN_BEGINNINGS = ("TRADEPOST_", "DJANGO_", "PG")
FOREIGN_ENDS = ("DATABASE_URL", "_PROXY")


def _is_foreign(name: str) -> bool:
    return name != KEPT and (name.startswith(FOREIGN_BEGINNINGS) or name.upper().endswith(FOREIGN_ENDS))


for _name in filter(_is_foreign, list(os.environ)):
    del os.environ[_name]

# Made of Hypothesis's plain defaults: where CI is set, the present ones are others.
settings.register_profile(
    "tests",
    settings.get_profile("default"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("tests")
