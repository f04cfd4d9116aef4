"""The log of sign-ins: who signed in or failed to, from where, and what changed about how (decision 65).

Each event is a row and a line of JSON in the process's log. Equal events of a minute that anybody can cause without end
share a row, and have one line.
"""

from datetime import timedelta

import msgspec
from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.db import connection, transaction
from django.db.models import CharField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from tradepost.accounts.models import COUNTED_KINDS, Account, SignInEvent, SignInKind
from tradepost.engine import sign_in_lines

# The trigger lets these rows go only in a transaction that says it is the sweep.
_SWEEP_SETTING = "SELECT set_config('tradepost.sweep', 'sign_ins', true)"
_RECORD = """
INSERT INTO accounts_signinevent AS kept
    (kind, account_id, login, method, detail, address, network, browser, minute)
VALUES (
    %(kind)s, %(account)s, %(login)s, %(method)s, %(detail)s, %(address)s, %(network)s, %(browser)s,
    CASE WHEN %(counted)s THEN date_trunc('minute', clock_timestamp()) END
)
ON CONFLICT (minute, kind, account_id, login, method, network, detail) WHERE minute IS NOT NULL
DO UPDATE SET count = kept.count + 1
RETURNING kept.count
"""


def record(
    request: HttpRequest,
    kind: SignInKind,
    *,
    account: Account | None = None,
    typed: str = "",
    method: str = "",
    detail: str = "",
) -> None:
    """Record an event. `typed` is what stood in the field for the address, if no account has it.

    People type passwords there by mistake, so only a keyed digest of `typed` is stored: equal tries look equal.
    """
    line = sign_in_lines.Line(
        kind=kind.value,
        account=account.pk if account else None,
        login=_digest(typed) if typed and not account else "",
        method=_cut("method", method),
        detail=_cut("detail", detail),
        address=str(get_adapter().get_client_ip(request)),
    )
    parameters = {
        **msgspec.structs.asdict(line),
        "network": ratelimit.get_ip(request),
        "browser": _cut("browser", get_adapter().get_http_user_agent(request)),
        "counted": kind in COUNTED_KINDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, parameters)
        [count] = cursor.fetchone()
    if count == 1:
        sign_in_lines.write(line)


def sweep() -> None:
    """Delete the events that are older than the log is kept."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_SWEEP_SETTING)
        SignInEvent.objects.filter(at__lt=timezone.now() - timedelta(days=settings.TRADEPOST_SIGN_IN_LOG_DAYS)).delete()


def _digest(typed: str) -> str:
    return salted_hmac("tradepost.sign_in_log", typed.strip().lower(), algorithm="sha256").hexdigest()[:12]


def _cut(field: str, text: str) -> str:
    """Cut a text to what its column holds, without characters that PostgreSQL does not store."""
    column = SignInEvent._meta.get_field(field)  # noqa: SLF001 - Django's documented way to a field
    assert isinstance(column, CharField)
    return text.replace("\x00", "")[: column.max_length]
