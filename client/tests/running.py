"""Running the command as a user does, with a panel's URL and key in the environment."""

import json
from collections.abc import Callable
from typing import Any

from typer.testing import CliRunner, Result

from tests.fakes.upstream import Upstream
from tradepost_client._cli import output
from tradepost_client._cli.app import app

type Run = Callable[..., Result]


def runner(upstream: Upstream) -> Run:
    """Return a function that runs the command and checks its exit code (None allows any).

    It also checks that the command does not print the key.
    """

    def run(*arguments: str, code: int | None = 0, **environ: str) -> Result:
        output.out.width = 200  # so that the terminal in which the tests run does not matter
        panel = {"TRADEPOST_CLIENT_URL": upstream.url, "TRADEPOST_CLIENT_KEY": upstream.panel.key}
        result = CliRunner().invoke(app, arguments, env={**panel, **environ})
        assert code in {None, result.exit_code}, result.output
        assert upstream.panel.key not in result.output
        return result

    return run


def lines(result: Result) -> list[Any]:
    """Parse what the command printed, one JSON value a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]
