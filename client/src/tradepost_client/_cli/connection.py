"""The panel that the commands talk to, and the exit codes with which they end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum

import msgspec
import typer

from tradepost_client import Ambiguous, Client, Declined, PanelError, Refused, Unreadable
from tradepost_client._cli.output import print_error


class Exit(IntEnum):
    OK = 0
    REFUSED = 1  # definite: refused, rate limited or not sent
    USAGE = 2
    AMBIGUOUS = 3  # it may have been done


class UsageError(Exception):
    """The arguments, or a file that they name, can't be used. `str()` is the reason, for the user."""


class Connection(msgspec.Struct, frozen=True):
    """The panel's URL, the user's key, and whether the panel takes idempotency keys."""

    url: str
    key: str
    idempotency: bool

    def __repr__(self) -> str:
        return f"<connection to {self.url}>"


@contextmanager
def open_client(context: typer.Context) -> Iterator[Client]:
    """Open a client for a command. If a call fails, print one line and end the command with its exit code."""
    try:
        with _connect(context.obj) as client:
            yield client
    except Ambiguous as error:
        print_error(
            f"ambiguous: {error}" if error.retryable else f"ambiguous: {error}. It may have been done: look first."
        )
        raise typer.Exit(Exit.AMBIGUOUS) from None
    except PanelError as error:
        print_error(f"refused: {error}" if isinstance(error, Refused) else str(error))
        raise typer.Exit(Exit.REFUSED) from None
    except (UsageError, ValueError) as error:
        print_error(str(error))
        raise typer.Exit(Exit.USAGE) from None


def _connect(connection: Connection) -> Client:
    if not connection.url or not connection.key:
        raise UsageError("set TRADEPOST_CLIENT_URL and TRADEPOST_CLIENT_KEY, or give --url and --key")
    return Client(connection.url, connection.key, idempotency=connection.idempotency)


def exit_by_results(results: Iterable[object]) -> None:
    """If any id was declined or unreadable, end the command with the exit code of the worst result."""
    kinds = {type(result) for result in results}
    if Unreadable in kinds:
        raise typer.Exit(Exit.AMBIGUOUS)
    if Declined in kinds:
        raise typer.Exit(Exit.REFUSED)
