"""What every page shows around its content: the navigation, the balance, and the operator's settings."""

from decimal import Decimal
from typing import NamedTuple

from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext_lazy as _

from tradepost import formats
from tradepost.accounts import impersonation, staff_sign_in
from tradepost.accounts.models import Account, Impersonation
from tradepost.ledger.models import LedgerAccount
from tradepost.site_settings import effective as site_settings
from tradepost.site_settings.effective import EffectiveSettings


class NavigationItem(NamedTuple):
    """A link in the navigation: the URL's name, the title, and the name of a heroicon."""

    name: str
    title: object
    icon: str


NAVIGATION = (
    NavigationItem("panel:dashboard", _("Overview"), "home"),
    NavigationItem("panel:new_order", _("New order"), "plus-circle"),
    NavigationItem("panel:mass_order", _("Mass order"), "queue-list"),
    NavigationItem("panel:orders", _("Orders"), "clipboard-document-list"),
    NavigationItem("panel:services", _("Services"), "tag"),
    NavigationItem("panel:money", _("Balance"), "wallet"),
    NavigationItem("panel:api_docs", _("API"), "code-bracket"),
    NavigationItem("panel:settings", _("Settings"), "cog-6-tooth"),
)
ON_PHONE = tuple(NAVIGATION[place] for place in (0, 3, 1, 5))  # all other pages are behind «More»
PARENT_PAGES = {  # of pages that are not in the navigation
    "order": "orders", "order_actions": "orders", "dripfeeds": "orders", "subscriptions": "orders", "refills": "orders",
    "service_changes": "services", "add_funds": "money", "keys": "api_docs", "console": "api_docs",
}  # fmt: skip


class Layout:
    """What the base template needs about the user. Queries run only if the template uses their result."""

    navigation = NAVIGATION
    on_phone = ON_PHONE

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def balance(self) -> Decimal | None:
        account = self._request.user
        if not isinstance(account, Account):
            return None
        return LedgerAccount.objects.filter(account=account).values_list("balance", flat=True).first()

    @property
    def settings(self) -> EffectiveSettings:
        return site_settings.for_request(self._request)

    @property
    def currency(self) -> str:
        return self.settings.currency

    @property
    def contact_link_text(self) -> str:
        """The operator's contact link without its scheme, as people write it: `t.me/desk`."""
        return self.settings.contact_url.partition("//")[2].rstrip("/")

    @property
    def time_zone(self) -> str:
        """The name of the zone in which the page's times are."""
        return formats.zone_label()

    @property
    def is_sign_up_open(self) -> bool:
        """Whether visitors may sign up without an invitation."""
        return self.settings.sign_up == "open"

    @property
    def acting(self) -> Impersonation | None:
        """The impersonation, if a member of staff sees the page as a customer."""
        return impersonation.current(self._request)

    @property
    def second_factor_for(self) -> str:
        """The page of the back office that waits until this member of staff has a second factor; empty if none does."""
        account = self._request.user
        if not isinstance(account, Account) or not staff_sign_in.needs_second_factor(account):
            return ""
        return str(self._request.session.get(staff_sign_in.SECOND_FACTOR_FOR, ""))

    @cached_property
    def has_second_factor(self) -> bool:
        account = self._request.user
        return isinstance(account, Account) and bool(staff_sign_in.second_factors(account))

    @property
    def current(self) -> str:
        """The URL's name of the navigation's page to which this page belongs."""
        match = self._request.resolver_match
        if match is None:
            return ""
        if match.namespace != "panel":
            return "panel:settings"
        return f"panel:{PARENT_PAGES.get(str(match.url_name), match.url_name)}"

    @property
    def direction(self) -> str:
        """The direction in which the page's language is written: ltr or rtl."""
        return "rtl" if get_language_bidi() else "ltr"


def layout(request: HttpRequest) -> dict[str, object]:
    """Add the variable `layout` to every template."""
    return {"layout": Layout(request)}
