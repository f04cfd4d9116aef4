"""What is alike in every process that runs tests, wherever and whenever; importing this makes it so.

Hypothesis measures no time: on a slow machine it would fail a test that is right. And whatever the caller's environment
says to the desk, to PostgreSQL, to HTTP clients or of a terminal, tests say for themselves.
"""

import os
import sys

import coverage
import pytest
from hypothesis import HealthCheck, settings

KEPT = "TRADEPOST_POSTGRES_BIN"  # which PostgreSQL they run on is the caller's choice
FOREIGN_BEGINNINGS = ("TRADEPOST_", "DJANGO_", "PG")
FOREIGN_ENDS = ("DATABASE_URL", "_PROXY")
TERMINAL = frozenset({"COLUMNS", "LINES", "TERMINAL_WIDTH", "FORCE_COLOR", "NO_COLOR", "PY_COLORS", "GITHUB_ACTIONS"})


def _is_foreign(name: str) -> bool:
    is_of_a_tool = name.startswith(FOREIGN_BEGINNINGS) or name.upper().endswith(FOREIGN_ENDS)
    return name in TERMINAL or (is_of_a_tool and name != KEPT)


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


def register(config: pytest.Config) -> None:
    """Let pytest call the hooks of this module, once in each process."""
    if not config.pluginmanager.hasplugin(__name__):
        config.pluginmanager.register(sys.modules[__name__], __name__)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Save what is covered while the process still has time: xdist kills a worker that takes ten seconds to exit."""
    running = coverage.Coverage.current()
    if running:
        running.save()
