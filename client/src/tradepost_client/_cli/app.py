"""The commands of `tradepost-client`."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import batched
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress

from tradepost_client import Client, Declined, Id, Refused, Service, Standing
from tradepost_client._calls import IDS_MAX
from tradepost_client._cli import batch, output
from tradepost_client._cli.batch import Journal, JournalEntry, RowState
from tradepost_client._cli.connection import Connection, UsageError, exit_by_results, open_client
from tradepost_client._cli.order_input import build_order, parse_fields

app = typer.Typer(
    help="Order at a panel that speaks API v2.\n\n"
    "Exit codes: 0 done; 1 refused or not sent; 2 wrong usage; 3 ambiguous: it may have been done.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

type Results = Mapping[Id, object]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Ids = Annotated[list[str], typer.Argument(help="Ids, as the panel gave them.", show_default=False)]


@app.callback()
def connect(
    context: typer.Context,
    url: Annotated[str, typer.Option(envvar="TRADEPOST_CLIENT_URL", help="The complete URL of the panel's API.")] = "",
    key: Annotated[
        str,
        typer.Option(
            envvar="TRADEPOST_CLIENT_KEY",
            help="The API key. Better set the variable: other people on this machine can read command lines.",
        ),
    ] = "",
    idempotency: Annotated[
        bool,
        typer.Option(
            "--idempotency",
            envvar="TRADEPOST_CLIENT_IDEMPOTENCY",
            help="The panel takes idempotency keys, as Tradepost does: an ambiguous order is sent again.",
        ),
    ] = False,
) -> None:
    context.obj = Connection(url, key, idempotency)


@app.command()
def services(
    context: typer.Context,
    search: Annotated[str, typer.Argument(help="Only services with this text in name, category or type.")] = "",
    json: AsJson = False,
) -> None:
    """List the services on sale."""
    with open_client(context) as client:
        services = [service for service in client.services() if _matches(service, search)]
    if json:
        output.print_json(services)
    else:
        output.out.print(output.services_table(services))


def _matches(service: Service, search: str) -> bool:
    return search.casefold() in f"{service.name} {service.category} {service.type}".casefold()


@app.command()
def balance(context: typer.Context, json: AsJson = False) -> None:
    """Show what is left in the account."""
    with open_client(context) as client:
        balance = client.balance()
    if json:
        output.print_json(balance)
    else:
        output.print_line(f"{balance.balance:f} {balance.currency}".strip())


@app.command()
def order(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help="The service's id.")] = "",
    fields: Annotated[list[str] | None, typer.Argument(help="Parameters: link=… quantity=…")] = None,
    type_: Annotated[
        str | None, typer.Option("--type", help="Check the parameters against this type, such as 'Poll'.")
    ] = None,
    lines: Annotated[
        list[str] | None, typer.Option(help="name=FILE: read a parameter, such as comments, from a file.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A panel that takes such keys places one order per key.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Place all orders in this CSV or .jsonl file.")] = None,
    resend_ambiguous: Annotated[
        bool, typer.Option("--resend-ambiguous", help="Also send the rows again that may have been placed.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Place an order, or all orders in a file.

    The columns of a CSV file, or the names in each object of a .jsonl file, are the parameters; `type` may be one of
    them. The result of each row is written to FILE.results.jsonl, and a row that was placed is not sent again. A row
    without a clear answer is ambiguous. It is sent again only with --resend-ambiguous or --idempotency.
    """
    with open_client(context) as client:
        if file is None:
            order = build_order(service, parse_fields(fields or [], lines or []), type_)
            placed = client.add(order, idempotency_key=idempotency_key)
            if json:
                output.print_json(placed)
            else:
                output.print_line(f"Order {placed.order}")
            return
        if service:
            raise UsageError("with --file the services are in the file")
        resend = resend_ambiguous or context.obj.idempotency
        _order_file(client, file, resend=resend, json=json)


def _order_file(client: Client, path: Path, *, resend: bool, json: bool) -> None:
    rows = batch.read_rows(path)
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn())
    with Journal.open_for(path) as journal, Progress(*columns, console=output.err, disable=json) as progress:
        task = progress.add_task("Ordering", total=len(rows))

        def report(entry: JournalEntry) -> None:
            progress.advance(task)
            if json:
                output.print_json(entry)
            elif entry.state is not RowState.PLACED:
                output.print_error(f"row {entry.row}: {entry.state}: {entry.error or 'cut off while it was sent'}")

        batch.order_all(client, rows, journal, resend=resend, report=report)
        counts = batch.count_states(rows, journal)
    if not json:
        output.print_line(", ".join(f"{count} {state}" for state, count in counts.items()))
    raise typer.Exit(batch.exit_code(counts))


@app.command()
def status(
    context: typer.Context,
    orders: Ids,
    watch: Annotated[bool, typer.Option("--watch", help="Ask again until all orders have ended.")] = False,
    interval_seconds: Annotated[float, typer.Option(help="How long to wait before asking again.", min=0.1)] = 10,
    json: AsJson = False,
) -> None:
    """Show how orders stand."""
    with open_client(context) as client:
        polls = _poll(client, orders, interval_seconds if watch else None)
        if json:
            results = _show_all(polls, output.print_json)
        else:
            with output.table_printer() as print_table:
                results = _show_all(polls, lambda results: print_table(output.standings_table(results)))
    exit_by_results(results.values())


def _poll(client: Client, orders: list[str], interval_seconds: float | None) -> Iterator[Results]:
    """Ask how orders stand until all have ended. Without an interval, ask once."""
    while True:
        results = _standings(client, list(dict.fromkeys(orders)))
        yield results
        if interval_seconds is None or all(_is_over(result) for result in results.values()):
            return
        time.sleep(interval_seconds)


def _standings(client: Client, orders: list[str]) -> Results:
    """Ask for a single id by `order`: some panels know no `orders`. If it is the last of many, its error is data."""
    if len(orders) == 1:
        return {orders[0]: client.status(orders[0])}
    alone = orders[len(orders) // IDS_MAX * IDS_MAX :] if len(orders) % IDS_MAX == 1 else []
    results: dict[Id, object] = dict(client.iter_statuses(orders[: len(orders) - len(alone)]))
    for order in alone:
        try:
            results[order] = client.status(order)
        except Refused as error:
            results[order] = Declined(error.text)
    return results


def _show_all(polls: Iterator[Results], show: Callable[[Results], None]) -> Results:
    """Show the results of each poll, and return the last ones."""
    for results in polls:
        show(results)
    return results


@app.command()
def refill(context: typer.Context, orders: Ids, json: AsJson = False) -> None:
    """Request refills of orders."""
    with open_client(context) as client:
        if len(set(orders)) == 1:
            results: Results = {orders[0]: client.refill(orders[0])}
        else:
            results = _in_batches(client.refills, orders)
    _show_results(results, json=json)


@app.command()
def refill_status(context: typer.Context, refills: Ids, json: AsJson = False) -> None:
    """Show how refills stand."""
    with open_client(context) as client:
        if len(set(refills)) == 1:
            results: Results = {refills[0]: client.refill_status(refills[0])}
        else:
            results = _in_batches(client.refill_statuses, refills)
    _show_results(results, json=json)


@app.command()
def cancel(context: typer.Context, orders: Ids, json: AsJson = False) -> None:
    """Request to cancel orders."""
    with open_client(context) as client:
        results = _in_batches(client.cancel, orders)
    _show_results(results, json=json)


def _in_batches(call: Callable[[Iterable[Id]], Results], ids: list[str]) -> Results:
    return {id_: result for chunk in batched(ids, IDS_MAX) for id_, result in call(chunk).items()}


def _show_results(results: Results, *, json: bool) -> None:
    if json:
        output.print_json(results)
    else:
        output.out.print(output.results_table(results))
    exit_by_results(results.values())


def _is_over(result: object) -> bool:
    return isinstance(result, Declined) or (
        isinstance(result, Standing) and result.status is not None and result.status.is_over
    )
