"""Services in the back office: what is for sale and at what rate. A change holds from the next order on."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.catalog.bulk_edit import BulkEditMixin
from tradepost.backoffice.catalog.cost_columns import CostColumnsMixin
from tradepost.backoffice.catalog.custom_rates import CustomRateInline
from tradepost.backoffice.catalog.import_export import ImportExportMixin
from tradepost.backoffice.catalog.quarantine import QuarantineFilter, QuarantineMixin
from tradepost.backoffice.catalog.routes import RouteInline
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    ChoicesDropdownFilter,
    DialogForm,
    ModelAdmin,
    RelatedDropdownFilter,
    TextWidget,
    dialog_button,
)
from tradepost.catalog.import_export.resources import ServiceResource
from tradepost.catalog.models import Service
from tradepost.engine import link_rules
from tradepost.providers import duplicates


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    """Refuses, with a sentence at the field, what the database or the engine would refuse without one."""

    try_link = forms.CharField(
        label="Try a link",
        required=False,
        widget=TextWidget,
        help_text="Saving is refused if the pattern does not take this link. It is not kept.",
    )

    def clean_link_pattern(self) -> str:
        """Take a regular expression only, and none that could blow up: the engine matches links by it."""
        pattern: str = self.cleaned_data["link_pattern"]
        try:
            link_rules.compile_rule(pattern)
        except link_rules.LinkPatternError as error:
            raise forms.ValidationError(f"This is no regular expression: {error}.") from None
        return pattern

    def clean(self) -> dict[str, Any]:
        """Take a range that holds something."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        least, most = cleaned.get("min"), cleaned.get("max")
        if least == 0:
            self.add_error("min", "At least 1.")
        elif least is not None and most is not None and most < least:
            self.add_error("max", f"At least the minimum, {least}.")
        if cleaned.get("is_active") and self.instance.quarantine:
            self.add_error("is_active", "It is in quarantine: settle that first.")
        self._try(cleaned.get("link_pattern"), (cleaned.get("try_link") or "").strip())
        return cleaned

    def _try(self, pattern: str | None, link: str) -> None:
        if pattern and link and not link_rules.compile_rule(pattern).fullmatch(link):
            self.add_error("try_link", "The pattern does not take this link.")


@register(Service)
class ServiceAdmin(
    BulkEditMixin,
    QuarantineMixin,
    CostColumnsMixin,
    ImportExportMixin,
    PlainDecimalsMixin,
    UncountedListMixin,
    ModelAdmin[Service],
):
    """The services, with their routes; rates, limits and sale are changed in the list. None is ever deleted."""

    form = ServiceForm
    resource = ServiceResource
    list_display = (
        "id", "name", "category", "type", "rate", "min", "max", "is_active", "quarantined", "fulfilment", "flags",
    )  # fmt: skip
    list_display_links = ("id", "name")
    list_editable = ("rate", "min", "max", "is_active")
    list_filter = (
        ("category", RelatedDropdownFilter),
        ("type", ChoicesDropdownFilter),
        ("fulfilment", ChoicesDropdownFilter),
        "is_active",
        QuarantineFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_max_show_all = 100  # of each row five fields are posted, and Django takes no more than 1,000
    list_select_related = ("category",)
    search_fields = ("=id", "name", "category__name")
    search_help_text = "Id, name or category"
    autocomplete_fields = ("category",)
    inlines: ClassVar[Any] = (RouteInline, CustomRateInline)
    actions: Any = ("bulk_edit", "settle_ticked", "put_on_sale", "take_off_sale", *ImportExportMixin.actions)
    actions_detail = ("settle_quarantine", "duplicate")
    readonly_fields = ("quarantine_shown", "in_quarantine")
    fieldsets = (
        (
            None,
            {"fields": ("name", ("category", "position"), "description", ("type", "is_active"), "quarantine_shown")},
        ),
        ("Rate and limits", {"fields": (("rate", "min", "max"),)}),
        (
            "Refills",
            {
                "fields": ("refill", ("refill_days", "refill_wait_hours")),
                "description": "Of completed orders, so long as they are young enough, and one at a time.",
            },
        ),
        (
            "Cancels and drip-feeds",
            {
                "fields": (("cancel", "dripfeed"),),
                "description": "What has not left yet is canceled at once; else its provider, or you, decide.",
            },
        ),
        ("Fulfilment", {"fields": (("fulfilment", "on_refusal"), "average_time")}),
        (
            "Links",
            {
                "fields": (("link_pattern", "try_link"), "one_order_per_link"),
                "description": r"Patterns are RE2's: no look-around and no back-reference, so that no link takes long. "
                r"\w, \d, \s and \b know ASCII only: \pL is a letter of any language, \pN a digit.",
            },
        ),
    )

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Hold what is typed in the list to the same rules as what is typed in the form."""
        return super().get_changelist_form(request, **{"form": ServiceForm, **kwargs})

    def get_list_display(self, request: HttpRequest) -> Any:
        """Say why something is in quarantine to those who may see where services are bought: it tells their costs."""
        shown = super().get_list_display(request)
        return shown if _sees_costs(request) else [_BRIEF.get(str(name), name) for name in shown]

    def get_fieldsets(self, request: HttpRequest, obj: Service | None = None) -> Any:
        """Leave out why it is in quarantine for the same."""
        (title, first), *rest = super().get_fieldsets(request, obj)
        fields = first["fields"] if _sees_costs(request) else [_BRIEF.get(str(name), name) for name in first["fields"]]
        return [(title, {**first, "fields": fields}), *rest]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Let nobody guess, by what an address finds, why something is in quarantine."""
        is_guess = lookup.startswith("quarantine") and lookup != QuarantineFilter.parameter_name
        if request is None or (is_guess and not _sees_costs(request)):
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: Service | None = None) -> bool:
        """Nobody may: its orders stay. Take it off sale."""
        return False

    @admin.display(description="quarantine")
    def quarantined(self, service: Service) -> SafeString | str:
        """Tell whether it was taken off sale by itself; why is in the tooltip."""
        if not service.quarantine:
            return formatters.NOTHING
        return format_html('<span title="{}">{}</span>', service.quarantine, formatters.badge("quarantine", "danger"))

    @admin.display(description="quarantine")
    def in_quarantine(self, service: Service) -> SafeString | str:
        """Tell whether it was taken off sale by itself, and not why."""
        return formatters.badge("quarantine", "danger") if service.quarantine else formatters.NOTHING

    @admin.display(description="quarantine")
    def quarantine_shown(self, service: Service) -> str:
        """Show why it was taken off sale by itself."""
        return service.quarantine or formatters.NOTHING

    @admin.display(description="offers")
    def flags(self, service: Service) -> str:
        """Show what may be asked for after the order."""
        return (
            ", ".join(name for name in ("refill", "cancel", "dripfeed") if getattr(service, name)) or formatters.NOTHING
        )

    @admin.action(description="Put on sale", permissions=["change"])
    def put_on_sale(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Offer the services that are ticked, but for those in quarantine."""
        self._set_sale(request, queryset.filter(quarantine=""), on_sale=True)
        held = queryset.exclude(quarantine="").count()
        if held:
            self.message_user(request, f"{held} left off sale: settle their quarantine first.", messages.WARNING)

    @admin.action(description="Take off sale", permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Offer them no longer; their orders go on."""
        self._set_sale(request, queryset, on_sale=False)

    def has_duplicate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may add services may make them once more."""
        return request.user.has_perm("catalog.add_service")

    @dialog_button(
        "Duplicate",
        permission="duplicate",
        title="Duplicate this service?",
        text="The copy stands behind it, off sale, with the same routes. Rates agreed with accounts are not copied.",
    )
    def duplicate(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Make it once more, and lead to the copy."""
        copy = duplicates.duplicate_service(get_object_or_404(Service, pk=object_id))
        self.log_addition(request, copy, f"Duplicated from service {object_id}")
        self.message_user(request, f"This is the copy of service {object_id}. It is off sale.", messages.SUCCESS)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:catalog_service_change", args=[copy.pk])})

    def _set_sale(self, request: HttpRequest, queryset: QuerySet[Service], *, on_sale: bool) -> None:
        changing = list(queryset.filter(is_active=not on_sale))
        Service.objects.filter(pk__in=[service.pk for service in changing]).update(is_active=on_sale)
        done = "put on sale" if on_sale else "taken off sale"
        for service in changing:
            self.log_change(request, service, done.capitalize())
        self.message_user(request, f"{len(changing)} {done}.", messages.SUCCESS)


_BRIEF = {"quarantined": "in_quarantine", "quarantine_shown": "in_quarantine"}


def _sees_costs(request: HttpRequest) -> bool:
    return request.user.has_perm("providers.view_route")
