"""Runs the command with the URL and the key of a panel in its environment."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from testkit.upstream.server import Upstream
from tradepost_client._cli import output
from tradepost_client._cli.app import app

type Run = Callable[..., Result]


def runner(upstream: Upstream) -> Run:
    """Return a function that runs the command and checks its exit code, if any. The key must not be in the output."""

    def run(*arguments: str, code: int | None = 0, **environ: str) -> Result:
        output.out.width = 200  # independent of the terminal
        panel = {"TRADEPOST_CLIENT_URL": upstream.url, "TRADEPOST_CLIENT_KEY": upstream.panel.key}
        result = CliRunner().invoke(app, arguments, env={**panel, **environ})
        assert code in {None, result.exit_code}, result.output
        assert upstream.panel.key not in result.output
        return result

    return run


def lines(result: Result) -> list[Any]:
    """Return the printed lines, parsed as JSON."""
    return [json.loads(line) for line in result.stdout.splitlines()]
