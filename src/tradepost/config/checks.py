"""Check the environment's settings and report all problems at once: at each start, and by `tradepost check --settings`.

Django runs these as system checks, too. None of them needs the database.
"""

import difflib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.checks import CheckMessage

from tradepost.config import environment

TAG = "tradepost"
PREFIX = "TRADEPOST_"
NAMES = tuple(re.findall(rf"^\| `({PREFIX}[A-Z_]+)`", environment.__doc__ or "", re.MULTILINE))
READERS: tuple[Callable[[], object], ...] = (
    environment.database_url,
    environment.url,
    environment.proxies,
    environment.currency,
    environment.requests_a_minute,
    environment.private_addresses,
    environment.providers_http,
    environment.metrics_token,
    environment.simulator_seconds,
    environment.sign_up,
    environment.sign_in_log_days,
    environment.breached_passwords,
    environment.is_second_factor_required,
    environment.staff_session_hours,
    environment.staff_idle_minutes,
    environment.admin_networks,
    environment.mailer,
)


def findings() -> list[CheckMessage]:
    """Return all errors, then all warnings."""
    errors = [*_wrong_values()]
    return [*errors, *_unknown_names(), *([] if errors else _unlikely_values())]


@checks.register(TAG)
def check(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's
    return findings()


def _wrong_values() -> Iterator[CheckMessage]:
    said: set[str] = set()
    for read_setting in READERS:
        try:
            read_setting()
        except environment.ConfigurationError as error:
            if str(error) not in said:  # a setting may be read for another
                said.add(str(error))
                yield checks.Error(str(error), id="tradepost.E001")


def _unknown_names() -> Iterator[CheckMessage]:
    """Warn about variables that nothing reads: an operator who mistypes a name believes that the setting works."""
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in NAMES:
            known = [known_name.removeprefix(PREFIX) for known_name in NAMES]
            near = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
            hint = f"Is {PREFIX}{near[0]} meant?" if near else f"There are {', '.join(NAMES)}."
            yield checks.Warning(f"{name} is no setting, and nothing reads it.", hint=hint, id="tradepost.W001")


def _unlikely_values() -> Iterator[CheckMessage]:
    if environment.is_local():
        return
    if urlsplit(environment.url()).scheme == "http":
        yield checks.Warning(
            "TRADEPOST_URL begins with http://: passwords and keys travel in clear.",
            hint="Put a proxy with a certificate in front, and name its https:// address.",
            id="tradepost.W002",
        )
    if not os.environ.get("TRADEPOST_MAIL_URL"):
        yield checks.Warning(
            "TRADEPOST_MAIL_URL is not set: mails are printed to the log, and nobody can verify an address.",
            hint="Name a mail server, like smtp://user:password@mail.example:587.",
            id="tradepost.W003",
        )
