"""The settings that an operator gives in environment variables before the start.

| variable | what it is | default |
|---|---|---|
| `TRADEPOST_HOME` | folder of the embedded database, its secrets, and static files | the user's data folder |
| `TRADEPOST_SEALING_KEYS_FILE` | the file of the keys that encrypt secrets in the database | `sealing_keys`, at home |
| `DATABASE_URL` | a PostgreSQL to use in place of the embedded one | none |
| `TRADEPOST_URL` | where the desk is reached from outside | `http://127.0.0.1:8000` |
| `TRADEPOST_PROXIES` | networks of the proxies whose word on a client's address counts; or `none` | loopback |
| `TRADEPOST_CURRENCY` | the currency of all balances, three letters | `USD` |
| `TRADEPOST_REQUESTS_A_MINUTE` | requests a key without a limit of its own may make; 0: any number | `6000` |
| `TRADEPOST_SIMULATOR_SECONDS` | how long a simulated order lives | `600` |
| `TRADEPOST_PRIVATE_ADDRESSES` | `allow`: providers may be at private addresses | `refuse` |
| `TRADEPOST_PROVIDERS_HTTP` | `allow`: keys may go to providers over plain `http://` | `refuse` |
| `TRADEPOST_METRICS_TOKEN` | what Prometheus has to send as bearer token to read `/metrics` | none: a local desk only |
| `TRADEPOST_SIGN_UP` | who may make an account: `open`, `invitation` or `closed` | `open` |
| `TRADEPOST_SIGN_IN_LOG_DAYS` | how many days the log of sign-ins is kept | `180` |
| `TRADEPOST_BREACHED_PASSWORDS` | `hibp`, or a mirror's address: who is asked for leaked passwords | none: nobody |
| `TRADEPOST_STAFF_SECOND_FACTOR` | `required` to open `/admin/`, or `optional` | `required` with https |
| `TRADEPOST_STAFF_SESSION_HOURS` | how long staff stays signed in at most, 1 to 336 | `12` |
| `TRADEPOST_STAFF_IDLE_MINUTES` | how long staff stays signed in without doing anything, 5 to 1440 | `60` |
| `TRADEPOST_ADMIN_NETWORKS` | the networks that may open `/admin/`, like `203.0.113.0/24, 2001:db8::/32` | none: all |
| `TRADEPOST_PAYMENT_TEXT` | how customers pay by hand, shown on the page that adds funds | none |
| `TRADEPOST_MAIL_URL` | the mail server, like `smtp://user:password@mail.example:587`, or `smtps://…` | none |
| `TRADEPOST_MAIL_FROM` | the sender of the desk's mails | `tradepost@` and the host of `TRADEPOST_URL` |
| `TRADEPOST_POSTGRES_BIN` | folder of the PostgreSQL programs that run the embedded database | the wheel's |
"""

import os
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

from tradepost.engine import networks
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX
from tradepost.engine.networks import Network

CURRENCY_LETTERS = 3
LOOPBACK = ("127.0.0.0/8", "::1/128")
METRICS_TOKEN_CHARS_MIN = 16
SIGN_UPS = ("open", "invitation", "closed")
SECOND_FACTORS = ("required", "optional")
STAFF_HOURS_MAX = 14 * 24  # as long as customers stay signed in
STAFF_IDLE_MINUTES_MIN, STAFF_IDLE_MINUTES_MAX = 5, 24 * 60
MAIL_SECONDS_MAX = 10
SIGN_IN_LOG_DAYS_MAX = 3650
HIBP = "https://api.pwnedpasswords.com/range"


class ConfigurationError(TradepostError):
    """A setting is wrong. The message names the setting and says what it should be."""


def home() -> Path:
    """Return the folder of this installation's data."""
    given = os.environ.get("TRADEPOST_HOME")
    return Path(given).expanduser().absolute() if given else platformdirs.user_data_path("tradepost")


def sealing_keys_file() -> Path:
    """Return the file of the keys that encrypt secrets in the database."""
    given = os.environ.get("TRADEPOST_SEALING_KEYS_FILE")
    return Path(given).expanduser().absolute() if given else home() / "sealing_keys"


def database_url() -> str | None:
    """Return the address of the database to use; None to use the embedded one."""
    url = os.environ.get("DATABASE_URL") or None
    if url and urlsplit(url).scheme not in {"postgresql", "postgres"}:
        raise ConfigurationError("DATABASE_URL must begin with postgresql://: Tradepost runs on PostgreSQL only.")
    return url


def postgres_bin() -> Path | None:
    """Return the folder of the PostgreSQL programs that run the embedded database; None for the wheel's."""
    given = os.environ.get("TRADEPOST_POSTGRES_BIN")
    return Path(given) if given else None


def url() -> str:
    """Return the address at which clients reach the desk, without a slash at the end."""
    given = os.environ.get("TRADEPOST_URL", "http://127.0.0.1:8000").rstrip("/")
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("TRADEPOST_URL must be an address like https://panel.example.")
    return given


def url_host() -> str:
    """Return the host of the desk's address, as `Host` headers name it: an IPv6 address in brackets."""
    host = urlsplit(url()).hostname or ""
    return f"[{host}]" if ":" in host else host


def is_local() -> bool:
    """Return whether the desk's address is one of this machine only."""
    host = urlsplit(url()).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def proxies() -> list[str]:
    """Return the networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed."""
    given = os.environ.get("TRADEPOST_PROXIES", "").strip() or ",".join(LOOPBACK)
    if given == "none":
        return []
    named = [each.strip() for each in given.split(",")]
    try:
        named_networks = [networks.read(each) for each in named if each != "*"]
    except ValueError as error:
        raise ConfigurationError(
            f"TRADEPOST_PROXIES must be addresses or networks like 10.0.0.5,192.168.7.0/24, or none: {error}."
        ) from None
    if "*" in named or any(network.prefixlen == 0 for network in named_networks):
        raise ConfigurationError(
            "TRADEPOST_PROXIES can't be everybody: each client could then give itself any address, and so pass the"
            " limits of sign-in and of keys. Name the addresses of your proxies."
        )
    return [str(network) for network in named_networks]


def currency() -> str:
    given = os.environ.get("TRADEPOST_CURRENCY", "USD")
    if len(given) != CURRENCY_LETTERS or not (given.isascii() and given.isalpha() and given.isupper()):
        raise ConfigurationError("TRADEPOST_CURRENCY must be three capital letters like USD.")
    return given


def requests_a_minute() -> int:
    """Return the limit of keys that have no limit of their own; 0 means no limit."""
    requests = _whole_number(os.environ.get("TRADEPOST_REQUESTS_A_MINUTE", "6000"))
    if not 0 <= requests <= REQUESTS_A_MINUTE_MAX:
        raise ConfigurationError(
            f"TRADEPOST_REQUESTS_A_MINUTE must be a whole number from 1 to {REQUESTS_A_MINUTE_MAX}, or 0 for no limit."
        )
    return requests


def private_addresses() -> bool:
    """Return whether requests to providers may go to private addresses."""
    given = os.environ.get("TRADEPOST_PRIVATE_ADDRESSES", "refuse")
    if given not in {"allow", "refuse"}:
        raise ConfigurationError("TRADEPOST_PRIVATE_ADDRESSES must be allow or refuse.")
    return given == "allow"


def providers_http() -> bool:
    """Return whether providers anywhere may be called over plain http."""
    given = os.environ.get("TRADEPOST_PROVIDERS_HTTP", "refuse")
    if given not in {"allow", "refuse"}:
        raise ConfigurationError("TRADEPOST_PROVIDERS_HTTP must be allow or refuse.")
    return given == "allow"


def metrics_token() -> str:
    """Return the token that callers of `/metrics` must send; "" if only this machine may call it."""
    given = os.environ.get("TRADEPOST_METRICS_TOKEN", "").strip()
    if given and (len(given) < METRICS_TOKEN_CHARS_MIN or not given.isascii() or not given.isprintable()):
        raise ConfigurationError(f"TRADEPOST_METRICS_TOKEN must have {METRICS_TOKEN_CHARS_MIN} letters or more.")
    return given


def simulator_seconds() -> float:
    """Return the time from the placing of a simulated order to its end."""
    given = os.environ.get("TRADEPOST_SIMULATOR_SECONDS", "600")
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= 30 * 86_400:
        raise ConfigurationError("TRADEPOST_SIMULATOR_SECONDS must be a number from 1 to 2592000.")
    return seconds


def sign_up() -> str:
    """Return one of `SIGN_UPS`."""
    given = os.environ.get("TRADEPOST_SIGN_UP", "open")
    if given not in SIGN_UPS:
        raise ConfigurationError(f"TRADEPOST_SIGN_UP must be one of {', '.join(SIGN_UPS)}.")
    return given


def sign_in_log_days() -> int:
    """Return after how many days events of the log of sign-ins are deleted."""
    given = os.environ.get("TRADEPOST_SIGN_IN_LOG_DAYS", "180")
    days = int(given) if given.isascii() and given.isdigit() else 0
    if not 1 <= days <= SIGN_IN_LOG_DAYS_MAX:
        raise ConfigurationError(
            f"TRADEPOST_SIGN_IN_LOG_DAYS must be a whole number of days from 1 to {SIGN_IN_LOG_DAYS_MAX}."
        )
    return days


def breached_passwords() -> str:
    """Return the address of the service that knows leaked passwords; "" if none is asked."""
    given = os.environ.get("TRADEPOST_BREACHED_PASSWORDS", "").rstrip("/")
    if given == "hibp":
        return HIBP
    parts = urlsplit(given)
    if given and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ConfigurationError(
            "TRADEPOST_BREACHED_PASSWORDS must be hibp, or an address like https://mirror.example/range."
        )
    return given


def is_second_factor_required() -> bool:
    """Return whether staff must have a second factor to open the back office. By default an https desk requires it."""
    by_default = "required" if url().startswith("https:") and not is_local() else "optional"
    given = os.environ.get("TRADEPOST_STAFF_SECOND_FACTOR", "") or by_default
    if given not in SECOND_FACTORS:
        raise ConfigurationError("TRADEPOST_STAFF_SECOND_FACTOR must be required or optional.")
    return given == "required"


def staff_session_hours() -> int:
    """Return how long staff stays signed in at most."""
    hours = _whole_number(os.environ.get("TRADEPOST_STAFF_SESSION_HOURS", "12"))
    if not 1 <= hours <= STAFF_HOURS_MAX:
        raise ConfigurationError(f"TRADEPOST_STAFF_SESSION_HOURS must be a whole number from 1 to {STAFF_HOURS_MAX}.")
    return hours


def staff_idle_minutes() -> int:
    """Return how long staff stays signed in without doing anything."""
    minutes = _whole_number(os.environ.get("TRADEPOST_STAFF_IDLE_MINUTES", "60"))
    if not STAFF_IDLE_MINUTES_MIN <= minutes <= STAFF_IDLE_MINUTES_MAX:
        raise ConfigurationError(
            "TRADEPOST_STAFF_IDLE_MINUTES must be a whole number"
            f" from {STAFF_IDLE_MINUTES_MIN} to {STAFF_IDLE_MINUTES_MAX}."
        )
    return minutes


def _whole_number(given: str) -> int:
    """Return the number that was given; -1 if it is none."""
    try:
        return int(given)
    except ValueError:
        return -1


def admin_networks() -> tuple[Network, ...]:
    """Return the networks whose clients may open the back office; empty if all may."""
    given = os.environ.get("TRADEPOST_ADMIN_NETWORKS", "").replace(",", " ").split()
    try:
        return tuple(networks.read(network) for network in given)
    except ValueError as error:
        raise ConfigurationError(
            f"TRADEPOST_ADMIN_NETWORKS must be networks like 203.0.113.0/24, 2001:db8::/32: {error}."
        ) from None


def payment_text() -> str:
    """Return the text that tells customers how to pay by hand; "" without one."""
    return os.environ.get("TRADEPOST_PAYMENT_TEXT", "").replace("\\n", "\n").strip()


def mailer() -> dict[str, object] | None:
    """Return the mail server as options for Django's SMTP backend; None if there is none, so mails go to the log."""
    given = os.environ.get("TRADEPOST_MAIL_URL")
    if not given:
        return None
    try:
        parts = urlsplit(given)
        port = parts.port or {"smtp": 587, "smtps": 465}[parts.scheme]
    except (KeyError, ValueError):
        raise ConfigurationError(
            "TRADEPOST_MAIL_URL must be an address like smtp://user:password@mail.example:587."
        ) from None
    return {
        "host": parts.hostname or "localhost",
        "port": port,
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_tls": parts.scheme == "smtp" and bool(parts.username),
        "use_ssl": parts.scheme == "smtps",
        "timeout": MAIL_SECONDS_MAX,
    }


def mail_from() -> str:
    return os.environ.get("TRADEPOST_MAIL_FROM") or f"tradepost@{urlsplit(url()).hostname}"
