"""An authenticator app: the codes of a second factor, by the clock (RFC 6238)."""

import time

from allauth.mfa import app_settings
from allauth.mfa.totp.internal import auth as totp


def shown_code(secret: str, seconds_left: int = 10) -> str:
    """Return the code that the app shows, once it goes on being shown for this many seconds."""
    into_period = time.time() % app_settings.TOTP_PERIOD
    if into_period > app_settings.TOTP_PERIOD - seconds_left:
        time.sleep(app_settings.TOTP_PERIOD - into_period)
    counter = int(time.time()) // app_settings.TOTP_PERIOD
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))
