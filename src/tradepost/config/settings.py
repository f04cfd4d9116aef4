"""Django's settings. What an operator may change comes from `environment`; the rest is decided here."""

import contextlib
import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from tradepost.backoffice.navigation import UNFOLD as UNFOLD  # noqa: PLC0414 - a setting, made there
from tradepost.config import environment

SECRET_BYTES = 50


def _secret_key(home: Path) -> str:
    """Return this installation's secret, made at the first start and kept beside its data."""
    path = home / "secret_key"
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError), open(path, "x", opener=_private) as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES))
        return path.read_text()
    except OSError as error:
        raise environment.Misconfigured(f"The data folder {home} can't be written: {error.strerror}.") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _database(url: str | None) -> dict[str, object]:
    """Return Django's idea of a database from the address that libpq knows."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url or "").items() if value is not None}
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    known = {setting: parts.pop(name, "") for setting, name in names.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **known,
        "OPTIONS": parts,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


_URL = urlsplit(environment.url())

SECRET_KEY = _secret_key(environment.home())
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", _URL.hostname]
CSRF_TRUSTED_ORIGINS = [environment.url()]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _URL.scheme == "https" else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _URL.scheme == "https"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

ROOT_URLCONF = "tradepost.config.urls"
DATABASES = {"default": _database(environment.database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Account"

INSTALLED_APPS = [
    "tradepost.backoffice",  # before the admin's themes: its templates win over theirs
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "procrastinate.contrib.django",
    "tradepost.accounts",
    "tradepost.catalog",
    "tradepost.providers",
    "tradepost.ledger",
    "tradepost.orders",
    "tradepost.fulfilment",
    "tradepost.panel",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages they come in: nothing to collect, nothing to forget

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

TRADEPOST_CURRENCY = environment.currency()
TRADEPOST_REQUESTS_A_MINUTE = environment.requests_a_minute()
TRADEPOST_PRIVATE_ADDRESSES = environment.private_addresses()
TRADEPOST_METRICS_TOKEN = environment.metrics_token()
TRADEPOST_SIMULATOR_SECONDS = environment.simulator_seconds()

PROCRASTINATE_WORKER_DEFAULTS = {"delete_jobs": "successful", "shutdown_graceful_timeout": 2}
