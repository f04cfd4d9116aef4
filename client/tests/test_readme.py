"""The README's examples run, and its tables match the code."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from running import runner
from testkit.upstream.server import Upstream
from tradepost_client import Client, _errors
from tradepost_client._cli.app import app

README = (Path(__file__).parent.parent / "README.md").read_text()
URL = "https://panel.example/api/v2"


def blocks(language: str) -> list[str]:
    """Return the README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_an_example_runs(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setenv("TRADEPOST_CLIENT_KEY", upstream.panel.key)
    assert URL in code
    exec(compile(code.replace(URL, upstream.url), "README.md", "exec"), {})
    assert upstream.seen


def test_the_command_s_examples_run(upstream: Upstream, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (rows,) = blocks("csv")
    (tmp_path / "orders.csv").write_text(rows)
    commands = re.findall(r"^\$ tradepost-client (.*)$", "".join(blocks("console")), re.MULTILINE)
    assert len(commands) == 5
    for command in commands:
        runner(upstream)(*command.split())
    assert len(upstream.panel.accepted) == 3


def test_every_method_is_in_the_table() -> None:
    methods = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert methods == {name for name in re.findall(r"`(\w+)\(", README) if hasattr(Client, name)} - {"close"}


def test_every_command_is_told_of() -> None:
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert re.search(rf"`{name}`|`{name} --|tradepost-client {name}\b", README), name


def test_the_tree_of_errors_is_the_one_in_the_code() -> None:
    tree = README[README.index("PanelError  ") :].partition("```")[0]
    documented = [line.strip() for line in str(_errors.__doc__).splitlines() if "──" in line]
    assert [line for line in tree.splitlines() if "──" in line] == documented
