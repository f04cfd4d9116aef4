"""Refusals that Tradepost does not know: operators see them with counts, and say once what they mean."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin, RelatedDropdownFilter
from tradepost.fulfilment import provider_pause
from tradepost.providers.models import Provider, RefusalText


@register(RefusalText)
class RefusalTextAdmin(UncountedListMixin, ModelAdmin[RefusalText]):
    """The words of providers that neither Tradepost nor an operator has explained yet, the newest first."""

    list_display = ("text", "provider", "meaning", "is_for_all", "times", "last")
    list_filter = (("meaning", ChoicesDropdownFilter), ("provider", RelatedDropdownFilter))
    list_select_related = ("provider",)
    list_fullwidth = True
    ordering = ("-last_at", "-pk")
    search_fields = ("text",)
    search_help_text = "Words"
    times = formatters.count_column("count", "count")
    first = formatters.timestamp_column("first_at", "first")
    last = formatters.timestamp_column("last_at", "last")
    readonly_fields = ("text", "provider", "times", "first", "last")
    fields = ("text", "provider", ("times", "first", "last"), "meaning", "is_for_all")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only what a provider has said is listed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: RefusalText | None = None) -> bool:
        """Return False: a text that comes again would only be counted from 1 again."""
        return False

    def save_model(self, request: HttpRequest, obj: RefusalText, form: Any, change: bool) -> None:
        """Save what the words mean, and let the services that wait because of them be tried with that meaning."""
        with transaction.atomic():
            obj.save(update_fields=["meaning", "is_for_all"])
            providers = Provider.objects.all() if obj.is_for_all else Provider.objects.filter(pk=obj.provider_id)
            tried = provider_pause.lift_unexplained(list(providers.values_list("pk", flat=True)))
        if tried:
            self.message_user(request, f"{formats.whole(tried)} services that waited are tried again.", messages.INFO)
