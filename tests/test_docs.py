"""The documentation says what there is, or this fails."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from tradepost.api.openapi import markdown
from tradepost.api.openapi.actions import ACTIONS
from tradepost.cli import app
from tradepost.config import environment
from tradepost.engine.errors import Refusal

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api-v2.md").read_text()


@pytest.mark.parametrize("refusal", Refusal.__subclasses__())
def test_every_error_is_documented(refusal: type[Refusal]) -> None:
    assert f"| `{refusal.text}` |" in API


def test_types_and_parameters_of_orders_are_documented_as_they_are_read() -> None:
    assert markdown.types_table() in API
    assert markdown.parameters_table() in API


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_documented(action: str) -> None:
    assert f"| `{action}` |" in API


@pytest.mark.parametrize(
    "variable", sorted(set(re.findall(r"`((?:TRADEPOST_|DATABASE_)[A-Z_]+)`", str(environment.__doc__))))
)
def test_every_setting_is_documented(variable: str) -> None:
    assert f"| `{variable}` |" in README


def test_every_variable_that_is_read_is_a_documented_setting() -> None:
    read = set(re.findall(r'environ\.get\("([A-Z_]+)"', Path(str(environment.__file__)).read_text()))
    assert read == set(re.findall(r"`((?:TRADEPOST_|DATABASE_)[A-Z_]+)`", str(environment.__doc__)))


def test_every_command_is_documented() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert re.search(rf"`?(tradepost )?{name}\b", README), name
        for below in getattr(command, "commands", {}):
            assert below in README, f"{name} {below}"


def test_every_metric_is_documented() -> None:
    from tradepost.fulfilment.metrics import FulfilmentCollector
    from tradepost.orders.backlog import WorkerStatus

    text = (ROOT / "docs" / "providers.md").read_text()
    for metric in FulfilmentCollector([], WorkerStatus(0, 0, 0, 0, None), 0).collect():
        assert f"`{metric.name}" in text, metric.name


def test_every_task_has_a_name_of_its_own_and_is_documented() -> None:
    from procrastinate.contrib.django import app

    app.perform_import_paths()  # type: ignore[no-untyped-call]
    ours = {name for name, task in app.tasks.items() if task.func.__module__.startswith("tradepost.")}
    text = (ROOT / "docs" / "fulfilment.md").read_text()
    assert ours == set(re.findall(r"^\| `(\w+\.\w+)` \|", text, re.MULTILINE))


def test_every_migration_is_made() -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_django_finds_nothing_wrong_with_models_and_pages() -> None:
    from django.core.management import call_command

    call_command("check", fail_level="WARNING")
