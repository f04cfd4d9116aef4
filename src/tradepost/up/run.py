"""`tradepost up`: run the whole desk on one machine."""

import contextlib
import os
import sys
from typing import Any

import django

from tradepost.audit import actor
from tradepost.config import checks, environment
from tradepost.up import chain as chains
from tradepost.up import database_roles, supervisor
from tradepost.up.errors import StartError


def run(*, host: str, port: int, workers: int, demo: bool, chain: bool = False) -> None:
    """Run database, servers and worker until SIGTERM or Ctrl-C. Raises `StartError`."""
    _check_settings()
    with contextlib.ExitStack() as running:
        stop = running.enter_context(supervisor.stop_signals())
        listener = running.enter_context(supervisor.bind(host, port))
        upstream = running.enter_context(chains.upstream_desk()) if chain else None
        is_embedded = not environment.database_url()
        os.environ["DATABASE_URL"] = running.enter_context(supervisor.database())
        url = os.environ.setdefault("TRADEPOST_URL", _url(host, listener.getsockname()[1]))
        if demo:
            os.environ.setdefault("TRADEPOST_SIMULATOR_SECONDS", "12")
        if upstream:
            os.environ.setdefault("TRADEPOST_PRIVATE_ADDRESSES", "allow")
        key = _prepare(url, demo=demo, upstream=upstream)
        if is_embedded:
            _connect_without_ddl()
        if not stop.is_set():
            ready = f"Tradepost is ready: {url}  API: {url}/api/v2  key: {key or 'none yet, see `tradepost keys`'}"
            if demo and key:
                ready += f"\n{_where_to_sign_in(url)}"
            supervisor.run(listener, workers=workers, stop=stop, ready=ready)


def _connect_without_ddl() -> None:
    """Let this process and its children connect as the role that can change no table, now that migrations are done."""
    from django.db import connections  # noqa: PLC0415 - needs Django

    connections.close_all()
    connections["default"].settings_dict["USER"] = database_roles.DESK
    owner, desk = f"user={database_roles.OWNER}", f"user={database_roles.DESK}"
    os.environ["DATABASE_URL"] = os.environ["DATABASE_URL"].removesuffix(owner) + desk


def _where_to_sign_in(url: str) -> str:
    file = os.path.relpath(environment.home() / "demo.json")
    return f"Sign in: {url}/account/login/  Back office: {url}/admin/  Addresses and passwords: {file}"


def _check_settings() -> None:
    """Print warnings about the settings. Raises `StartError` if a setting is wrong."""
    findings = checks.findings()
    if wrong := [str(finding.msg) for finding in findings if finding.is_serious()]:
        raise StartError("\n".join(wrong))
    for finding in findings:
        sys.stderr.write(f"Warning: {finding.msg}{f' {finding.hint}' if finding.hint else ''}\n")


def _url(host: str, port: int) -> str:
    reached_at = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://{reached_at}:{port}"


def _prepare(url: str, *, demo: bool, upstream: dict[str, Any] | None) -> str | None:
    """Bring the schema up to date and seed the demo. Return the demo's key to print, if there is one."""
    django.setup()
    from django.db import connections  # noqa: PLC0415 - needs Django

    from tradepost.up import migrations  # noqa: PLC0415 - needs Django

    with actor.acting(actor.Actor(kind=actor.ActorKind.COMMAND.value, name="tradepost up")):
        migrations.apply()
        if not demo:
            return None
        from tradepost.up.demo import seed_demo  # noqa: PLC0415 - needs Django

        key = seed_demo(url, upstream=upstream)
        connections.close_all()  # otherwise all forked processes would share this connection
    return key
