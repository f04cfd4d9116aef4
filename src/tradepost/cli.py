"""The `tradepost` command."""

import contextlib
import getpass
import os
import sys
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from tradepost.accounts.role_names import RoleName
from tradepost.config import checks, environment
from tradepost.engine import money
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX, Scope
from tradepost.up import postgres, run
from tradepost.up.errors import StartError

if TYPE_CHECKING:
    from tradepost.accounts.models import Account
    from tradepost.reports.queries import Progress

app = typer.Typer(
    help="Tradepost, the order desk for resellers' panels.", no_args_is_help=True, pretty_exceptions_enable=False
)
keys_app = typer.Typer(
    help="Create, list and revoke API keys; rotate the key of secrets in the database.", no_args_is_help=True
)
accounts_app = typer.Typer(help="Create accounts, invite people and add funds.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(accounts_app, name="accounts")
reports_app = typer.Typer(help="The daily totals that reports are made of.", no_args_is_help=True)
app.add_typer(reports_app, name="reports")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradepost.config.settings")


def main() -> None:
    """Run a command. If the operator can fix the error, print one line instead of a traceback."""
    try:
        app()
    except (StartError, environment.ConfigurationError) as error:
        typer.secho(f"tradepost: {error}", fg=typer.colors.RED, err=True)
        raise SystemExit(1) from None


@app.command()
def up(
    host: Annotated[str, typer.Option(help="IP address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65_535)] = 8000,
    workers: Annotated[
        int, typer.Option(help="Server processes for the API; pages have one more process.", min=1, max=64)
    ] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="Fill an empty database with a catalog, accounts and five weeks of orders.")
    ] = False,
    chain: Annotated[
        bool, typer.Option("--chain", help="With --demo: run a second desk, and send orders to it as a provider.")
    ] = False,
) -> None:
    """Run the whole desk on this machine: database, pages, API and worker. Ctrl-C stops it."""
    if chain and not demo:
        raise StartError("--chain needs --demo.")
    run.run(host=host, port=port, workers=workers, demo=demo, chain=chain)


@app.command()
def migrate() -> None:
    """Update the database's schema to this version of Tradepost."""
    with _django():
        typer.echo("The database is up to date.")


@app.command()
def check(
    *,
    settings: Annotated[
        bool, typer.Option("--settings", help="Check the settings in the environment instead.")
    ] = False,
) -> None:
    """Check the books: every balance equals its transfers, and every order's transfers equal its charge."""
    if settings:
        _check_settings()
        return
    with _django():
        from tradepost.ledger import operations  # noqa: PLC0415

        findings = operations.check()
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        typer.secho(f"The books have {len(findings)} errors.", fg=typer.colors.RED, err=True)
        raise typer.Exit(1)
    typer.echo("The books are correct.")


def _check_settings() -> None:
    findings = checks.findings()
    for finding in findings:
        typer.echo(f"{finding.msg}{f' {finding.hint}' if finding.hint else ''}")
    if any(finding.is_serious() for finding in findings):
        raise typer.Exit(1)
    if not findings:
        typer.echo("The settings are valid.")


@keys_app.command("create")
def keys_create(
    email: Annotated[str, typer.Argument(help="The account that gets the key.")],
    *,
    name: Annotated[str, typer.Option(help="A name for the key, such as the program that uses it.")] = "",
    scope: Annotated[Scope, typer.Option(help="read: read only; order: full access.")] = Scope.ORDER,
    network: Annotated[
        list[str] | None, typer.Option(help="Accept the key from this network only; may be repeated.")
    ] = None,
    requests_a_minute: Annotated[
        int | None,
        typer.Option(
            help="Requests a minute; 0: no limit. Default: the desk's limit.", min=0, max=REQUESTS_A_MINUTE_MAX
        ),
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="Make a test key: no real orders or charges.")] = False,
) -> None:
    """Create an API key and print it. It is shown only once."""
    with _django():
        from tradepost.accounts import keys  # noqa: PLC0415

        try:
            text = keys.create(
                _account(email),
                name=name,
                scope=scope,
                networks=network or [],
                requests_a_minute=requests_a_minute,
                test=test,
            )
        except ValueError as error:
            raise StartError(f"Enter a network such as 203.0.113.0/24: {error}.") from None
    typer.echo(text)


@keys_app.command("list")
def keys_list(email: Annotated[str | None, typer.Argument(help="Only this account's keys.")] = None) -> None:
    """List the keys: id, account, first characters, scope, networks, limit, state and name."""
    with _django():
        from tradepost.accounts import keys  # noqa: PLC0415
        from tradepost.accounts.models import Key  # noqa: PLC0415

        found = keys.owned_by(_account(email)) if email else Key.objects.all()
        for key in found.select_related("account__test_of").order_by("id").iterator():
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else "active"
            networks = ",".join(key.networks) or "anywhere"
            columns = [
                str(key.pk),
                str(key.account),
                str(key),
                key.scope,
                networks,
                key.limit_in_words,
                state,
                key.name,
            ]
            typer.echo("\t".join(columns))


@keys_app.command("revoke")
def keys_revoke(key: Annotated[int, typer.Argument(help="The key's id, as `keys list` shows it.")]) -> None:
    """Revoke a key. Every node refuses it from the next request on."""
    with _django():
        from tradepost.accounts import keys  # noqa: PLC0415

        if not keys.revoke(key):
            raise StartError(f"There is no active key {key}.")
    typer.echo(f"Key {key} is revoked.")


@keys_app.command("rotate-secret")
def keys_rotate_secret(
    *,
    delete_old: Annotated[
        bool, typer.Option("--delete-old", help="Delete the old keys instead. Do it once backups with them are gone.")
    ] = False,
) -> None:
    """Make a new key for the secrets in the database, and encrypt them all with it. The desk may run meanwhile."""
    with _django():
        from tradepost.up import key_rotation  # noqa: PLC0415

        if delete_old:
            typer.echo(f"Old keys deleted: {key_rotation.delete_old_keys()}.")
            return
        number = key_rotation.rotate()
        unreadable = key_rotation.unreadable()
    if unreadable:
        raise StartError(f"Sealed with a key that is not here, so enter them again: {', '.join(unreadable)}.")
    typer.echo(
        f"Everything is encrypted with key {number}, and was read back. The old keys are needed only for older backups:"
        " `tradepost keys rotate-secret --delete-old` deletes them."
    )


@accounts_app.command("create")
def accounts_create(
    email: Annotated[str, typer.Argument(help="The email address to sign in with.")],
    staff: Annotated[bool, typer.Option("--staff", help="Let the account open the back office.")] = False,
    role: Annotated[
        RoleName | None,
        typer.Option(help="The role of a member of staff. Default: owner, who may do everything.", show_default=False),
    ] = None,
    password: Annotated[
        str,
        typer.Option(
            prompt=True,
            hide_input=True,
            confirmation_prompt=True,
            help="The password. If you leave it out, the command asks for it.",
        ),
    ] = "",
) -> None:
    """Create an account that can sign in."""
    if role and not staff:
        raise StartError("--role needs --staff.")
    with _django():
        from tradepost.accounts import creation  # noqa: PLC0415

        try:
            creation.create(email, password, role=role or RoleName.OWNER if staff else None)
        except ValueError as error:
            raise StartError(str(error)) from None
    typer.echo(f"{email} can sign in.")


@accounts_app.command("invite")
def accounts_invite(email: Annotated[str, typer.Argument(help="The email address to invite.")]) -> None:
    """Print a link with which this address can sign up within 14 days, if sign-up is by invitation."""
    with _django():
        from tradepost.accounts import invitations  # noqa: PLC0415

        typer.echo(invitations.invite(email, environment.url()))


@accounts_app.command("top-up")
def accounts_top_up(
    email: Annotated[str, typer.Argument(help="The account.")],
    amount: Annotated[str, typer.Argument(help="The amount to add, such as 25.00.")],
    note: Annotated[str, typer.Option(help="A note that the customer sees in the statement.")] = "",
) -> None:
    """Add funds to an account's balance."""
    value = _amount(amount)
    with _django():
        from tradepost.ledger import operations  # noqa: PLC0415

        balance = operations.top_up(_account(email).pk, value, actor="command line", note=note)
    typer.echo(f"The balance of {email} is {money.show(balance)}.")


@reports_app.command("rebuild")
def reports_rebuild(
    *,
    go_on: Annotated[bool, typer.Option("--go-on", help="Keep the totals and add only what is missing.")] = False,
) -> None:
    """Compute all totals again, from the first order on. You may stop this at any time: the worker goes on."""
    with _django():
        from tradepost.reports import rollup  # noqa: PLC0415

        if not go_on:
            rollup.reset()
        for _ in rollup.catch_up():
            progress = _progress()
            typer.echo(f"{progress.percent} %: {progress.booked:,} rows counted, {progress.waiting:,} to go.")
        if not _progress().is_live:
            raise StartError(
                "Another transaction has been open for a long time. Try again later, or let the worker finish."
            )
    typer.echo("The totals are up to date.")


def _progress() -> "Progress":
    from tradepost.reports import queries  # noqa: PLC0415

    with queries.at_one_moment() as reader:
        return reader.progress


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(0)
    if not value.is_finite() or value <= 0 or value != money.to_amount(value):
        raise StartError(
            f"{text} is not an amount. Enter a number above zero with at most five decimals, such as 25.00."
        )
    return value


def _account(email: str) -> "Account":
    from tradepost.accounts.models import Account  # noqa: PLC0415

    try:
        return Account.objects.get(email=email)
    except Account.DoesNotExist:
        raise StartError(f"There is no account {email}.") from None


@contextlib.contextmanager
def _django() -> Iterator[None]:
    """Set Django up on the desk's database. If the embedded database does not run, start it for this command."""
    with contextlib.ExitStack() as stack:
        if not environment.database_url():
            os.environ["DATABASE_URL"] = stack.enter_context(postgres.database_for_command(environment.home()))
        import django  # noqa: PLC0415 - takes about a second, which `--help` doesn't need

        django.setup()
        from tradepost.audit import actor  # noqa: PLC0415
        from tradepost.up import migrations  # noqa: PLC0415

        actor.set_actor(actor.ActorKind.COMMAND, _command())
        migrations.apply()
        yield


def _command() -> str:
    """Return the command without its arguments (they may hold secrets), and the machine's user who runs it."""
    words = sys.argv[1 : 3 if sys.argv[1] in {"accounts", "keys"} else 2]
    return f"tradepost {' '.join(words)}, run by {getpass.getuser()}"


if __name__ == "__main__":
    main()
