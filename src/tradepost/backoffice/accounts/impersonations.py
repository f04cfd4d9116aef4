"""Who was logged in as whom: every impersonation there ever was, read-only."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.accounts.models import Impersonation
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin


@register(Impersonation)
class ImpersonationAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Impersonation]):
    """Logins as customers, the newest first."""

    list_display = ("started", "staff", "account", "why", "address", "ended")
    list_filter = (("started_at", DayFilter),)
    list_filter_submit = True
    list_select_related = ("staff", "account")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("staff__email", "account__email")
    search_help_text = "E-mail address of the customer or of staff"
    started = formatters.timestamp_column("started_at", "started")
    started_exactly = formatters.timestamp_column("started_at", "started", exact=True)
    readonly_fields = ("owner", "started_exactly", "ended")
    fields = (("staff", "owner"), "reason", "address", ("started_exactly", "ended"))

    def has_view_permission(self, request: HttpRequest, obj: Impersonation | None = None) -> bool:
        """Allow users who may view impersonations, and those who manage staff."""
        return super().has_view_permission(request, obj) or request.user.has_perm("accounts.manage_staff")

    @admin.display(description="as")
    def owner(self, impersonation: Impersonation) -> SafeString | str:
        return links.account_link(impersonation.account)

    @admin.display(description="reason")
    def why(self, impersonation: Impersonation) -> SafeString:
        return formatters.truncated(impersonation.reason)

    @admin.display(description="ended")
    def ended(self, impersonation: Impersonation) -> SafeString | str:
        """Show when it ended or expired, or that it goes on."""
        ended_at = impersonation.ended_at or (
            impersonation.expires_at if impersonation.expires_at < timezone.now() else None
        )
        return formats.moment_html(ended_at, exact=True) if ended_at else formatters.badge("goes on", "warning")
