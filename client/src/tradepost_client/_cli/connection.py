"""Which panel the commands talk to, and how they end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum

import msgspec
import typer

from tradepost_client import Ambiguous, Client, Declined, PanelError, Refused, Unreadable
from tradepost_client._cli.output import complain


class Exit(IntEnum):
    """Exit codes of the commands."""

    OK = 0
    REFUSED = 1  # definite: refused, rate limited or not sent
    USAGE = 2
    AMBIGUOUS = 3  # it may have been done


class Unusable(Exception):  # noqa: N818 - reported in a line, as a usage error
    """What was typed, or the file it names, can't be used; `str()` says why."""


class Connection(msgspec.Struct, frozen=True):
    """Which panel to talk to, and as whom."""

    url: str
    key: str
    idempotency: bool

    def __repr__(self) -> str:
        return f"<connection to {self.url}>"


@contextmanager
def client_of(context: typer.Context) -> Iterator[Client]:
    """Open a client for a command; end the command with a line and its exit code where a call fails."""
    try:
        with _open(context.obj) as client:
            yield client
    except Ambiguous as error:
        complain(
            f"ambiguous: {error}" if error.retryable else f"ambiguous: {error}. It may have been done: look first."
        )
        raise typer.Exit(Exit.AMBIGUOUS) from None
    except PanelError as error:
        complain(f"refused: {error}" if isinstance(error, Refused) else str(error))
        raise typer.Exit(Exit.REFUSED) from None
    except (Unusable, ValueError) as error:
        complain(str(error))
        raise typer.Exit(Exit.USAGE) from None


def _open(connection: Connection) -> Client:
    if not connection.url or not connection.key:
        raise Unusable("set TRADEPOST_CLIENT_URL and TRADEPOST_CLIENT_KEY, or give --url and --key")
    return Client(connection.url, connection.key, idempotency=connection.idempotency)


def end(results: Iterable[object]) -> None:
    """End a command by what became of each id: the worst of them decides."""
    kinds = {type(each) for each in results}
    if Unreadable in kinds:
        raise typer.Exit(Exit.AMBIGUOUS)
    if Declined in kinds:
        raise typer.Exit(Exit.REFUSED)
