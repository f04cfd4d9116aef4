"""Where Django keeps the notices for a visitor's next page: in a cookie, named like the other cookies of the desk."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookieStorage(CookieStorage):
    """Keeps notices in a cookie that no other host of the domain can plant."""

    cookie_name = f"{settings.TRADEPOST_COOKIE_PREFIX}messages"


class Storage(FallbackStorage):
    """Keeps notices in the cookie, and those that don't fit in the session."""

    storage_classes = (HostCookieStorage, SessionStorage)
