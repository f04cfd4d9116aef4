"""The commands."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import batched
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress

from tradepost_client import Client, Declined, Id, Standing
from tradepost_client._calls import IDS_MAX
from tradepost_client._cli import batch, output
from tradepost_client._cli.batch import Journal, State
from tradepost_client._cli.connection import Connection, Unusable, client_of, end
from tradepost_client._cli.order_input import build, typed

app = typer.Typer(
    help="Order at a panel that speaks API v2.\n\n"
    "Exit codes: 0 done; 1 refused or not sent; 2 wrong usage; 3 ambiguous: it may have been done.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

type Results = Mapping[Id, object]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Ids = Annotated[list[str], typer.Argument(help="Ids, as the panel gave them.", show_default=False)]


@app.callback()
def connect(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="TRADEPOST_CLIENT_URL", help="The panel's API, whole.")] = "",
    key: Annotated[
        str,
        typer.Option(
            envvar="TRADEPOST_CLIENT_KEY",
            help="The API key. Better set the variable: others on this machine can read command lines.",
        ),
    ] = "",
    idempotency: Annotated[
        bool,
        typer.Option(
            "--idempotency",
            envvar="TRADEPOST_CLIENT_IDEMPOTENCY",
            help="The panel takes idempotency keys, as a Tradepost does: what is ambiguous is asked again.",
        ),
    ] = False,
) -> None:
    """Keep which panel is meant, for the command that follows."""
    context.obj = Connection(url, key, idempotency)


@app.command()
def services(
    context: typer.Context,
    search: Annotated[str, typer.Argument(help="Only those with this in name, category or type.")] = "",
    json: Json = False,
) -> None:
    """List what is on sale."""
    with client_of(context) as client:
        sought = search.casefold()
        found = [each for each in client.services() if sought in f"{each.name} {each.category} {each.type}".casefold()]
    if json:
        output.as_json(found)
    else:
        output.out.print(output.services(found))


@app.command()
def balance(context: typer.Context, json: Json = False) -> None:
    """Show what is left to order for."""
    with client_of(context) as client:
        left = client.balance()
    if json:
        output.as_json(left)
    else:
        output.say(f"{left.balance:f} {left.currency}".strip())


@app.command()
def order(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="The service's id.")] = "",
    fields: Annotated[list[str] | None, typer.Argument(help="Parameters: link=… quantity=…")] = None,
    type_: Annotated[str | None, typer.Option("--type", help="Check them against this type, like 'Poll'.")] = None,
    lines: Annotated[list[str] | None, typer.Option(help="name=FILE: a parameter from a file, like comments.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Asked again by it, a panel that takes them obeys once.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Order all that this CSV or .jsonl file lists.")] = None,
    resend_ambiguous: Annotated[
        bool, typer.Option("--resend-ambiguous", help="Send again those rows too that may have been placed.")
    ] = False,
    json: Json = False,
) -> None:
    """Place an order, or all those that a file lists.

    The columns of a CSV file, or the names in each object of a .jsonl file, are the parameters; `type` may be one of
    them. What becomes of each row is written to FILE.results.jsonl, and a row that is placed is not sent again. A row
    without a clear answer is ambiguous, and not sent again either, unless --resend-ambiguous or --idempotency is given.
    """
    with client_of(context) as client:
        if file is None:
            placed = client.add(
                build(service, typed(fields or [], lines or []), type_), idempotency_key=idempotency_key
            )
            if json:
                output.as_json(placed)
            else:
                output.say(f"Order {placed.order}")
            return
        if service:
            raise Unusable("with --file the services are in the file")
        resend = resend_ambiguous or context.obj.idempotency
        _order_file(client, file, resend=resend, json=json)


def _order_file(client: Client, path: Path, *, resend: bool, json: bool) -> None:
    rows = batch.read(path)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with Journal.beside(path) as journal, Progress(*columns, console=output.err, disable=json) as progress:
        task = progress.add_task("Ordering", total=len(rows))

        def tell(entry: batch.Entry) -> None:
            progress.advance(task)
            if json:
                output.as_json(entry)
            elif entry.state is not State.PLACED:
                output.complain(f"row {entry.row}: {entry.state}: {entry.error or 'cut off while it was sent'}")

        batch.order_all(client, rows, journal, resend=resend, tell=tell)
        counted = batch.count(rows, journal)
    if not json:
        output.say(", ".join(f"{number} {state}" for state, number in counted.items()))
    raise typer.Exit(batch.exit_code(counted))


@app.command()
def status(
    context: typer.Context,
    orders: Ids,
    watch: Annotated[bool, typer.Option("--watch", help="Ask again until all are over.")] = False,
    interval_seconds: Annotated[float, typer.Option(help="How long to wait between.", min=0.1)] = 10,
    json: Json = False,
) -> None:
    """Show how orders stand."""
    with client_of(context) as client:
        polls = _poll(client, orders, interval_seconds if watch else None)
        if json:
            found = _last(polls, output.as_json)
        else:
            with output.in_place() as show:
                found = _last(polls, lambda each: show(output.standings(each)))
    end(found.values())


def _poll(client: Client, orders: list[str], interval_seconds: float | None) -> Iterator[Results]:
    """Ask how orders stand until all are over; without an interval, once."""
    while True:
        found: Results = (
            {orders[0]: client.status(orders[0])} if len(orders) == 1 else dict(client.iter_statuses(orders))
        )
        yield found
        if interval_seconds is None or all(_is_over(each) for each in found.values()):
            return
        time.sleep(interval_seconds)


def _last(polls: Iterator[Results], show: Callable[[Results], None]) -> Results:
    for found in polls:
        show(found)
    return found


@app.command()
def refill(context: typer.Context, orders: Ids, json: Json = False) -> None:
    """Ask for refills of orders."""
    with client_of(context) as client:
        if len(orders) == 1:
            found: Results = {orders[0]: client.refill(orders[0])}
        else:
            found = {id_: each for some in batched(orders, IDS_MAX) for id_, each in client.refills(some).items()}
    _show(found, json=json)


@app.command()
def refill_status(context: typer.Context, refills: Ids, json: Json = False) -> None:
    """Show how refills stand."""
    with client_of(context) as client:
        if len(refills) == 1:
            found: Results = {refills[0]: client.refill_status(refills[0])}
        else:
            asked = (client.refill_statuses(some) for some in batched(refills, IDS_MAX))
            found = {id_: each for some in asked for id_, each in some.items()}
    _show(found, json=json)


@app.command()
def cancel(context: typer.Context, orders: Ids, json: Json = False) -> None:
    """Ask to cancel orders."""
    with client_of(context) as client:
        found: Results = {id_: each for some in batched(orders, IDS_MAX) for id_, each in client.cancel(some).items()}
    _show(found, json=json)


def _show(found: Results, *, json: bool) -> None:
    if json:
        output.as_json(found)
    else:
        output.out.print(output.outcomes(found))
    end(found.values())


def _is_over(each: object) -> bool:
    return isinstance(each, Declined) or (
        isinstance(each, Standing) and each.status is not None and each.status.is_over
    )
