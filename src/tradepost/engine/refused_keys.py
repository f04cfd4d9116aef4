"""API keys that are refused: counted in memory at no cost for other requests, and written down every few seconds.

A flood of made-up keys must not fill the disk. So what a process writes a minute is bounded: `ROWS_MAX` rows, and the
rest in a row without key and address. Of a key that exists, its prefix and account are recorded. Of another, a few
characters of its digest are recorded, and no part of the key: it may be a password, or the key of another panel.
"""

import ipaddress
import threading
import time

from psycopg import Connection, Cursor

from tradepost.engine import keys, sign_in_lines

ROWS_MAX = 20
MINUTE_SECONDS = 60
IPV6_PREFIX = 64  # a subscriber has at least such a network
OTHERS = "other keys"
KIND = "key refused"
METHOD = "API key"
_NO_KEY = keys.digest("")  # a request without a key: a probe, a mistake, but nobody's guess

type _Refused = tuple[bytes, str | None]  # the key's digest and the client's address

_RECORD = """
INSERT INTO accounts_signinevent AS kept (kind, account_id, method, detail, address, network, minute, count)
VALUES (
    %(kind)s, (SELECT account_id FROM accounts_key WHERE digest = %(digest)s), %(method)s,
    coalesce((SELECT prefix FROM accounts_key WHERE digest = %(digest)s), %(hint)s),
    %(address)s, %(network)s, date_trunc('minute', clock_timestamp()), %(count)s
)
ON CONFLICT (minute, kind, account_id, login, method, network, detail) WHERE minute IS NOT NULL
DO UPDATE SET count = kept.count + excluded.count
RETURNING account_id, detail, count
"""

_lock = threading.Lock()  # lanes refuse keys in their own threads
_counts: dict[_Refused, int] = {}
_minute = 0
_of_this_minute: set[_Refused] = set()


def note(digest: bytes, address: str | None) -> None:
    """Count a refusal."""
    global _minute  # noqa: PLW0603 - a process counts for itself
    if digest == _NO_KEY:
        return
    refused: _Refused = (digest, address)
    with _lock:
        minute = int(time.time()) // MINUTE_SECONDS
        if minute != _minute:
            _minute = minute
            _of_this_minute.clear()
        if refused not in _of_this_minute:
            if len(_of_this_minute) >= ROWS_MAX:
                refused = (b"", None)
            else:
                _of_this_minute.add(refused)
        _counts[refused] = _counts.get(refused, 0) + 1


def record(connection: Connection) -> None:
    """Write the refusals since the last time into the log of sign-ins. If that fails, they are lost."""
    if not _counts:
        return
    with _lock:
        counts = sorted(_counts.items(), key=lambda each: (each[0][0], each[0][1] or ""))  # one order for all processes
        _counts.clear()
    for (digest, address), count in counts:
        _record_one(connection, digest, address, count)


def _record_one(connection: Connection, digest: bytes, address: str | None, count: int) -> None:
    known_address, network = _origin(address)
    parameters = {
        "kind": KIND,
        "method": METHOD,
        "digest": digest,
        "hint": f"sha256:{digest.hex()[:8]}" if digest else OTHERS,
        "address": known_address,
        "network": network,
        "count": count,
    }
    row = Cursor(connection).execute(_RECORD, parameters).fetchone()
    assert row, "it is inserted or updated"
    account, detail, counted = row
    if counted == count:
        line = sign_in_lines.Line(kind=KIND, account=account, method=METHOD, detail=detail, address=known_address)
        sign_in_lines.write(line)


def _origin(address: str | None) -> tuple[str | None, str]:
    """Return the address, and the network to count by: an IPv4 address, or the /64 of an IPv6 address, as pages do."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:  # a Unix socket, or a proxy that names something else
        return None, ""
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed), str(ipaddress.IPv6Network((int(parsed), IPV6_PREFIX), strict=False).network_address)
    return str(parsed), str(parsed)
