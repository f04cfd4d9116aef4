"""Django's settings. Those that an operator may change come from `environment`; the rest are fixed here."""

import contextlib
import os
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.csp import CSP
from psycopg.conninfo import conninfo_to_dict

from tradepost.accounts.languages import LANGUAGES as LANGUAGES  # noqa: PLC0414 - a setting, made there
from tradepost.backoffice.navigation import UNFOLD as UNFOLD  # noqa: PLC0414 - a setting, made there
from tradepost.config import checks as _checks  # noqa: F401 - importing the checks registers them with Django
from tradepost.config import environment

SECRET_BYTES = 50


def _secret_keys(home: Path) -> list[str]:
    """Return this installation's secret key, then those before it: what they have signed stays valid.

    The first key is made at the first start. The file in the home folder has one line a key, the newest first.
    """
    path = home / "secret_key"
    try:
        if not path.exists():
            home.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError), open(path, "x", opener=_private) as file:
                file.write(secrets.token_urlsafe(SECRET_BYTES))
        keys = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    except OSError as error:
        raise environment.ConfigurationError(f"The data folder {home} can't be written: {error.strerror}.") from error
    if not keys:
        raise environment.ConfigurationError(f"{path} is empty: put the secret key back, or remove the file.")
    return keys


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _database(url: str | None) -> dict[str, object]:
    """Convert a database's address in libpq's form to Django's settings."""
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


TRADEPOST_URL = environment.url()
_URL = urlsplit(TRADEPOST_URL)
_HTTPS = _URL.scheme == "https"
YEAR_SECONDS = 365 * 86_400

SECRET_KEY, *SECRET_KEY_FALLBACKS = _secret_keys(environment.home())
DEBUG = False
LOCAL_HOSTS = ["localhost", ".localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [environment.url_host(), *(LOCAL_HOSTS if environment.is_local() else [])]
CSRF_TRUSTED_ORIGINS = [TRADEPOST_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _HTTPS else None
SECURE_HSTS_SECONDS = YEAR_SECONDS if _HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _HTTPS
# Browsers take a cookie of such a name only from this host, over https: no other host of the domain can plant one.
TRADEPOST_COOKIE_PREFIX = "__Host-" if _HTTPS else ""
SESSION_COOKIE_NAME = f"{TRADEPOST_COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{TRADEPOST_COOKIE_PREFIX}csrftoken"
MESSAGE_STORAGE = "tradepost.config.message_storage.Storage"
LANGUAGE_COOKIE_NAME = f"{TRADEPOST_COOKIE_PREFIX}django_language"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# No content from other sites, and no inline scripts or styles. Images may be `data:` URLs, as the QR code for an
# authenticator app is.
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}

ROOT_URLCONF = "tradepost.config.urls"
DATABASES = {"default": _database(environment.database_url())}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.Account"

INSTALLED_APPS = [
    "tradepost.backoffice",  # before the admin's themes: its templates win over theirs
    "unfold.apps.BasicAppConfig",  # not the default config: the back office makes its own admin site
    "unfold.contrib.filters",
    "django.contrib.admin.apps.SimpleAdminConfig",  # for the same reason
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
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
    "tradepost.reports",
    "tradepost.fulfilment",
    "tradepost.panel",  # before allauth: its templates win over theirs
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_include_bootstrap",
    "heroicons",
    "tradepost.site_settings",
    "tradepost.audit",
]
MIDDLEWARE = [
    "tradepost.config.page_middleware.frame_room_middleware",
    "tradepost.config.page_middleware.page_headers_middleware",
    "tradepost.config.page_middleware.https_middleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "tradepost.backoffice.middleware.networks_middleware",
    "tradepost.backoffice.middleware.backoffice_middleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # after the static files, which are compressed already
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tradepost.audit.middleware.audit_actor_middleware",
    "django_htmx.middleware.HtmxMiddleware",
    "tradepost.panel.middleware.htmx_redirect_middleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "tradepost.panel.middleware.preferences_middleware",
    "tradepost.accounts.known_devices.known_device_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "tradepost.accounts.middleware.staff_session_middleware",
    "tradepost.panel.middleware.impersonation_middleware",
    "tradepost.backoffice.middleware.second_factor_middleware",
    "tradepost.backoffice.middleware.fresh_sign_in_middleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
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
                "tradepost.panel.context_processors.layout",
            ],
        },
    },
]
FORM_RENDERER = "tradepost.config.form_renderer.FormRenderer"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "tradepost.accounts.passwords.GuessableValidator"},
    {"NAME": "tradepost.accounts.passwords.BreachedValidator"},
]

CACHES = {
    # django-allauth counts attempts in the default one, so all processes share it (decision 65).
    "default": {"BACKEND": "tradepost.accounts.attempts_cache.AttemptsCache"},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "panel:dashboard"
ACCOUNT_ADAPTER = "tradepost.accounts.allauth_adapter.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "signup": "tradepost.accounts.sign_in_forms.SignUpForm",
    "change_password": "tradepost.accounts.sign_in_forms.NewPasswordForm",
    "reset_password": "tradepost.accounts.password_reset.ResetPasswordForm",
}
# Wrong passwords and codes are counted by `accounts.attempts`; the rest is here (decision 65 says why so many).
ACCOUNT_RATE_LIMITS = {
    "login": "30/m/ip",
    "login_failed": "1000/h/key",  # of second factors; those of `attempts` are reached first
    "signup": "10/m/ip,60/h/ip",
    "confirm_email": "1/3m/key,10/d/key",  # each sends a mail
    "reset_password": "20/m/ip,5/15m/key,20/d/key",  # each sends a mail
    "change_password": "5/m/user,20/h/user",
    "reauthenticate": "10/m/user,60/h/user",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a changed password, a new passkey
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _URL.scheme
ACCOUNT_SESSION_REMEMBER = True
# Our own URLs lead to its views; its own URLs are not reachable.
HIJACK_PERMISSION_CHECK = "tradepost.accounts.impersonation.may_impersonate"
MFA_FORMS = {
    "authenticate": "tradepost.accounts.sign_in_forms.CodeForm",
    "reauthenticate": "tradepost.accounts.sign_in_forms.CodeAgainForm",
    "authenticate_webauthn": "tradepost.accounts.sign_in_forms.PasskeyForm",
    "reauthenticate_webauthn": "tradepost.accounts.sign_in_forms.PasskeyAgainForm",
    "login_webauthn": "tradepost.accounts.sign_in_forms.PasskeyOnlyForm",
}
MFA_RATE_LIMITS = {"webauthn_login": "30/m/ip"}  # a passkey can't be guessed
MFA_ADAPTER = "tradepost.accounts.mfa_adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Tradepost"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = _URL.hostname in {"localhost", "127.0.0.1"}

DEFAULT_FROM_EMAIL = environment.mail_from()
MAILERS = {
    "default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": _mailer}
    if (_mailer := environment.mailer())
    else {"BACKEND": "tradepost.accounts.mail_log.MailLog", "OPTIONS": {"stream": sys.stderr}}
}

STATIC_URL = "static/"
STATIC_ROOT = environment.home() / "static"  # `static_files` collects them there, so that nobody has to
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "tradepost.config.static_files.HashedStaticFiles"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
_PANEL = Path(__file__).parent.parent / "panel"
LOCALE_PATHS = [_PANEL / "locale", _PANEL / "library_locale"]  # the second rewords allauth's English
USE_I18N = True
USE_TZ = True

LOGGING = {  # errors of pages go to the log; Django's default only mails them
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(message)s"}},
    "handlers": {
        "log": {"class": "logging.StreamHandler", "level": "ERROR"},
        "lines": {"class": "logging.StreamHandler", "formatter": "line"},
    },
    "loggers": {
        "django.request": {"handlers": ["log"]},
        "tradepost.sign_ins": {"handlers": ["lines"], "level": "INFO", "propagate": False},
    },
}

TRADEPOST_SEALING_KEYS_FILE = environment.sealing_keys_file()
TRADEPOST_CURRENCY = environment.currency()
TRADEPOST_SIGN_UP = environment.sign_up()
TRADEPOST_PAYMENT_TEXT = environment.payment_text()
TRADEPOST_REQUESTS_A_MINUTE = environment.requests_a_minute()
TRADEPOST_PRIVATE_ADDRESSES = environment.private_addresses()
TRADEPOST_PROVIDERS_HTTP = environment.providers_http() or TRADEPOST_PRIVATE_ADDRESSES  # private ones have no https
TRADEPOST_IS_LOCAL = environment.is_local()
TRADEPOST_METRICS_TOKEN = environment.metrics_token()
TRADEPOST_SIGN_IN_LOG_DAYS = environment.sign_in_log_days()
TRADEPOST_BREACHED_PASSWORDS = environment.breached_passwords()
TRADEPOST_SIMULATOR_SECONDS = environment.simulator_seconds()
TRADEPOST_STAFF_SECOND_FACTOR = environment.is_second_factor_required()
TRADEPOST_STAFF_SESSION_HOURS = environment.staff_session_hours()
TRADEPOST_STAFF_IDLE_MINUTES = environment.staff_idle_minutes()
TRADEPOST_ADMIN_NETWORKS = environment.admin_networks()

PROCRASTINATE_WORKER_DEFAULTS = {"delete_jobs": "successful", "shutdown_graceful_timeout": 2}
