"""The log of sign-ins in the back office: who signed in or failed to, from where, and how. Read-only."""

from ipaddress import ip_network
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.accounts import browsers
from tradepost.accounts.models import SignInEvent, SignInKind
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin, TextFilter

COLOURS = {
    SignInKind.SIGNED_IN: "success",
    SignInKind.FAILED: "warning",
    SignInKind.THROTTLED: "danger",
    SignInKind.KEY_REFUSED: "warning",
    SignInKind.RIGHT_REFUSED: "warning",
}
ADDRESS_BITS_MIN = {4: 8, 6: 16}  # of a wider network, the index would find too much


class NetworkFilter(TextFilter):
    """Events from an IP address or a network, like `203.0.113.0/24`. Other text finds nothing."""

    title = "network"
    parameter_name = "network"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        typed = (self.value() or "").strip()
        if not typed:
            return queryset
        try:
            network = ip_network(typed, strict=False)
        except ValueError:
            return queryset.none()
        if network.prefixlen < ADDRESS_BITS_MIN[network.version]:
            return queryset.none()
        return queryset.filter(address__gte=str(network[0]), address__lte=str(network[-1]))


@register(SignInEvent)
class SignInEventAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[SignInEvent]):
    """Sign-ins and what belongs to them, the newest first."""

    list_display = ("happened", "what", "whose", "how", "address", "device", "times")
    list_filter = (("kind", ChoicesDropdownFilter), NetworkFilter, ("at", DayFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("account",)
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("=account__email", "=login", "=address")
    search_help_text = "Whole e-mail address, IP address, or digest of an unknown address"
    happened = formatters.timestamp_column("at", "at")
    happened_exactly = formatters.timestamp_column("at", "at", exact=True)
    readonly_fields = ("happened_exactly", "what", "whose", "how", "times")
    fields = (("happened_exactly", "times"), ("what", "how"), "whose", ("address", "network"), "browser")

    @admin.display(description="what")
    def what(self, event: SignInEvent) -> SafeString:
        kind = SignInKind(event.kind)
        return formatters.badge(kind.label, COLOURS.get(kind, ""))

    @admin.display(description="account")
    def whose(self, event: SignInEvent) -> SafeString | str:
        """Show the account, or the digest of an address that no account has."""
        if event.account:
            return links.account_link(event.account)
        return f"unknown address {event.login}" if event.login else formats.NOTHING

    @admin.display(description="how")
    def how(self, event: SignInEvent) -> str:
        return ", ".join(part for part in (event.method, event.detail) if part) or formats.NOTHING

    @admin.display(description="device")
    def device(self, event: SignInEvent) -> str:
        return browsers.readable(event.browser) if event.browser else formats.NOTHING

    @admin.display(description="times")
    def times(self, event: SignInEvent) -> str:
        return formats.whole(event.count)
