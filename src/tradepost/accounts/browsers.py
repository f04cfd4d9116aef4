"""Browsers as people know them: `Firefox on Windows`, from what a browser says of itself."""

from django.utils.translation import gettext as _

# The first name that is found counts: Chromium's relatives all say Chrome too, and Chrome says Safari.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser", "Yandex Browser"),
    ("SamsungBrowser", "Samsung Internet"),
    ("FxiOS", "Firefox"),
    ("Firefox", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def readable(user_agent: str) -> str:
    """Return the browser and the system of a User-Agent header."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), None) or _("Unknown browser")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return _("%(browser)s on %(system)s") % {"browser": browser, "system": system} if system else browser
