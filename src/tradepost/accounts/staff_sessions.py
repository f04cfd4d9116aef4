"""Sessions of staff end earlier than those of customers: some hours after sign-in, and after an hour without activity.

The session itself carries both times, so that the server decides and not the age of a cookie.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

SINCE, SEEN = "staff_since", "staff_seen"  # in the session: seconds since 1970
SEEN_EVERY_SECONDS = 30  # the session is written no more often than this
# What a session of staff takes along into an impersonation and back, where django-hijack empties the session.
_RECORDS = ("account_authentication_methods", "account_authentication_methods_user")
_STAFF_KEPT = "staff_kept"


def begin(request: HttpRequest, **_: Any) -> None:
    """Write into the session that it begins now. A receiver of Django's signal of a sign-in."""
    request.session[SINCE] = request.session[SEEN] = int(time.time())


def keep_through_login(session: SessionBase) -> dict[str, Any]:
    """Return what goes on after django-hijack has emptied the session for another account."""
    return {name: session[name] for name in (SINCE, SEEN, *_RECORDS, _STAFF_KEPT) if name in session}


def begin_impersonation(session: SessionBase, kept: dict[str, Any]) -> None:
    """Go on with the times of the member of staff. How they signed in is put aside: the customer has not."""
    session.update({name: kept[name] for name in (SINCE, SEEN) if name in kept})
    session[_STAFF_KEPT] = {name: kept[name] for name in _RECORDS if name in kept}


def end_impersonation(session: SessionBase, kept: dict[str, Any]) -> None:
    """Go on with the member of staff's own session, and how they signed in."""
    session.update({name: kept[name] for name in (SINCE, SEEN) if name in kept})
    session.update(kept.get(_STAFF_KEPT, {}))


def has_ended(session: SessionBase) -> bool:
    """Return whether a session of staff is too old, or nothing was done in it for too long."""
    now = time.time()
    since: float = session.get(SINCE, now)
    seen: float = session.get(SEEN, now)
    is_old = now - since > settings.TRADEPOST_STAFF_SESSION_HOURS * 3_600
    return is_old or now - seen > settings.TRADEPOST_STAFF_IDLE_MINUTES * 60


def note_activity(session: SessionBase) -> None:
    """Write into the session that the member of staff does something now."""
    now = int(time.time())
    if SINCE not in session:  # it began before there were these times
        session[SINCE] = now
    if now - session.get(SEEN, 0) >= SEEN_EVERY_SECONDS:
        session[SEEN] = now
