"""What stands around every page: the way about, and the balance, which is always in view."""

from decimal import Decimal
from typing import NamedTuple

from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext_lazy as _

from tradepost.accounts import impersonation
from tradepost.accounts.models import Account, Impersonation
from tradepost.ledger.models import LedgerAccount
from tradepost.site_settings import effective as site_settings
from tradepost.site_settings.effective import EffectiveSettings


class NavigationItem(NamedTuple):
    """A way to a page: its URL's name, what it is called, and its icon among the heroicons."""

    name: str
    title: object
    icon: str


NAVIGATION = (
    NavigationItem("panel:dashboard", _("Overview"), "home"),
    NavigationItem("panel:new_order", _("New order"), "plus-circle"),
    NavigationItem("panel:mass_order", _("Mass order"), "queue-list"),
    NavigationItem("panel:orders", _("Orders"), "clipboard-document-list"),
    NavigationItem("panel:services", _("Services"), "tag"),
    NavigationItem("panel:money", _("Money"), "wallet"),
    NavigationItem("panel:api_docs", _("API"), "code-bracket"),
    NavigationItem("panel:settings", _("Settings"), "cog-6-tooth"),
)
ON_PHONE = tuple(NAVIGATION[place] for place in (0, 3, 1, 5))  # with the order in the middle; the rest is behind «More»
BENEATH = {  # pages that belong to one of the above
    "order": "orders", "dripfeeds": "orders", "subscriptions": "orders", "refills": "orders",
    "service_changes": "services", "add_funds": "money", "keys": "api_docs", "console": "api_docs",
}  # fmt: skip


class Layout:
    """What the base template asks about whoever looks at the page; looked up only if it asks."""

    navigation = NAVIGATION
    on_phone = ON_PHONE

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def balance(self) -> Decimal | None:
        """Tell what the account has to spend."""
        account = self._request.user
        if not isinstance(account, Account):
            return None
        return LedgerAccount.objects.filter(account=account).values_list("balance", flat=True).first()

    @property
    def settings(self) -> EffectiveSettings:
        """What the operator has set: the panel's name, its notice and more."""
        return site_settings.for_request(self._request)

    @property
    def currency(self) -> str:
        """The currency of all balances."""
        return self.settings.currency

    @property
    def is_sign_up_open(self) -> bool:
        """Whether anybody may make an account."""
        return self.settings.sign_up == "open"

    @property
    def acting(self) -> Impersonation | None:
        """As whom a member of staff looks at the page, if as a customer."""
        return impersonation.current(self._request)

    @property
    def current(self) -> str:
        """The name of the page in the navigation that this one belongs to."""
        match = self._request.resolver_match
        if match is None:
            return ""
        if match.namespace != "panel":
            return "panel:settings"
        return f"panel:{BENEATH.get(str(match.url_name), match.url_name)}"

    @property
    def direction(self) -> str:
        """Which way the page's language is written."""
        return "rtl" if get_language_bidi() else "ltr"


def layout(request: HttpRequest) -> dict[str, object]:
    """Give every template its layout: navigation, balance, settings."""
    return {"layout": Layout(request)}
