"""Who was logged in as whom, to read: every time there ever was."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from tradepost.accounts.models import Impersonation
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin


@register(Impersonation)
class ImpersonationAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Impersonation]):
    """Logins as customers, newest first; whoever manages staff looks at them."""

    list_display = ("started", "staff", "account", "why", "address", "ended")
    list_filter = (("started_at", DayFilter),)
    list_filter_submit = True
    list_select_related = ("staff", "account")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("staff__email", "account__email")
    search_help_text = "E-mail address of either"
    started = formatters.timestamp_column("started_at", "started")
    started_exactly = formatters.timestamp_column("started_at", "started", exact=True)
    readonly_fields = ("owner", "started_exactly", "ended")
    fields = (("staff", "owner"), "reason", "address", ("started_exactly", "ended"))

    def has_view_permission(self, request: HttpRequest, obj: Impersonation | None = None) -> bool:
        """Whoever may view them, or manages staff."""
        return super().has_view_permission(request, obj) or request.user.has_perm("accounts.manage_staff")

    @admin.display(description="as")
    def owner(self, row: Impersonation) -> SafeString:
        """Lead to the customer."""
        return formatters.account_link(row.account)

    @admin.display(description="reason")
    def why(self, row: Impersonation) -> SafeString:
        """Show it in a line."""
        return formatters.truncated(row.reason)

    @admin.display(description="ended")
    def ended(self, row: Impersonation) -> SafeString | str:
        """Show when it ended, by itself if nobody ended it; or that it goes on."""
        over = row.ended_at or (row.expires_at if row.expires_at < timezone.now() else None)
        return formatters.timestamp(over, exact=True) if over else formatters.badge("goes on", "warning")
