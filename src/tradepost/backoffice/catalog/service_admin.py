"""Services in the back office: what is for sale, and at what rate. A change applies from the next order on."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
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


class ServiceForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    """Shows an error at the field for what the database or the engine would refuse."""

    try_link = forms.CharField(
        label="Try a link",
        required=False,
        widget=TextWidget,
        help_text="Saving is refused if the service would not take this link. It is not kept.",
    )

    def clean_link_pattern(self) -> str:
        """Refuse a pattern that RE2 can't compile: the engine matches links with RE2."""
        pattern: str = self.cleaned_data["link_pattern"]
        try:
            link_rules.compile_rule(pattern)
        except link_rules.LinkPatternError as error:
            raise forms.ValidationError(f"This is no regular expression: {error}.") from None
        return pattern

    def clean(self) -> dict[str, Any]:
        """Check the range of quantities, the quarantine, and the link to try."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        min_, max_ = cleaned.get("min"), cleaned.get("max")
        if min_ == 0:
            self.add_error("min", "At least 1.")
        elif min_ is not None and max_ is not None and max_ < min_:
            self.add_error("max", f"At least the minimum, {formats.whole(min_)}.")
        if cleaned.get("is_active") and self.instance.quarantine:
            self.add_error("is_active", "It is in quarantine: settle that first.")
        self._check_try_link(cleaned, (cleaned.get("try_link") or "").strip())
        return cleaned

    def _check_try_link(self, cleaned: dict[str, Any], link: str) -> None:
        kind = cleaned.get("link_kind") or link_rules.LinkKind.ANY
        rule = link_rules.compile_stored_rule(cleaned.get("link_pattern") or "", kind)
        if rule and link and not rule.fullmatch(link):
            self.add_error("try_link", "The service would not take this link.")


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
    """The services. Rates, limits and sale can be edited in the list. A service is never deleted."""

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
    list_max_show_all = 100  # each row posts five fields, and Django accepts up to 1,000
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
                "fields": (("link_kind", "try_link"), "link_pattern", "one_order_per_link"),
                "description": r"Patterns are RE2's: no look-around and no back-reference, so that no link takes long. "
                r"\w, \d, \s and \b know ASCII only: \pL is a letter of any language, \pN a digit.",
            },
        ),
    )

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Apply the rules of the form to the list too."""
        return super().get_changelist_form(request, **{"form": ServiceForm, **kwargs})

    def get_changeform_initial_data(self, request: HttpRequest) -> Any:
        """Suggest a check of links: without one, a customer pays for whatever text is sent."""
        return {"link_kind": link_rules.LinkKind.EITHER.value, **super().get_changeform_initial_data(request)}

    def get_list_display(self, request: HttpRequest) -> Any:
        """Hide the reason for a quarantine from users who may not see costs: it contains them."""
        names = super().get_list_display(request)
        return names if _may_see_costs(request) else [_WITHOUT_REASON.get(str(name), name) for name in names]

    def get_fieldsets(self, request: HttpRequest, obj: Service | None = None) -> Any:
        """Show the quarantine of a saved service; to users who may not see costs, without the reason."""
        (title, first), *rest = super().get_fieldsets(request, obj)
        names = _WITHOUT_REASON if not _may_see_costs(request) else {}
        fields = [names.get(str(name), name) for name in first["fields"] if obj or name != "quarantine_shown"]
        return [(title, {**first, "fields": fields}), *rest]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters by which users could guess a reason for a quarantine that they may not see."""
        is_guess = lookup.startswith("quarantine") and lookup != QuarantineFilter.parameter_name
        if request is None or (is_guess and not _may_see_costs(request)):
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_delete_permission(self, request: HttpRequest, obj: Service | None = None) -> bool:
        """Return False: orders need their service. Staff take it off sale instead."""
        return False

    @admin.display(description="quarantine")
    def quarantined(self, service: Service) -> SafeString | str:
        """Show whether the service is in quarantine, with the reason in the tooltip."""
        if not service.quarantine:
            return formats.NOTHING
        return format_html('<span title="{}">{}</span>', service.quarantine, formatters.badge("quarantine", "danger"))

    @admin.display(description="quarantine")
    def in_quarantine(self, service: Service) -> SafeString | str:
        """Show whether the service is in quarantine, without the reason."""
        return formatters.badge("quarantine", "danger") if service.quarantine else formats.NOTHING

    @admin.display(description="quarantine")
    def quarantine_shown(self, service: Service) -> str:
        return service.quarantine or formats.NOTHING

    @admin.display(description="offers")
    def flags(self, service: Service) -> str:
        """Show whether customers may ask for refills, cancels and drip-feeds."""
        return ", ".join(name for name in ("refill", "cancel", "dripfeed") if getattr(service, name)) or formats.NOTHING

    @admin.action(description="Put on sale", permissions=["change"])
    def put_on_sale(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        """Put the ticked services on sale, except those in quarantine."""
        self._set_sale(request, queryset.filter(quarantine=""), on_sale=True)
        held = queryset.exclude(quarantine="").count()
        if held:
            self.message_user(
                request, f"{formats.whole(held)} left off sale: settle their quarantine first.", messages.WARNING
            )

    @admin.action(description="Take off sale", permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: QuerySet[Service]) -> None:
        self._set_sale(request, queryset, on_sale=False)

    def has_duplicate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may add services."""
        return request.user.has_perm("catalog.add_service")

    @dialog_button(
        "Duplicate",
        permission="duplicate",
        title="Duplicate this service?",
        text="The copy stands behind it, off sale, with the same routes. Rates agreed with accounts are not copied.",
    )
    def duplicate(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
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
        self.message_user(request, f"{formats.whole(len(changing))} {done}.", messages.SUCCESS)


_WITHOUT_REASON = {"quarantined": "in_quarantine", "quarantine_shown": "in_quarantine"}


def _may_see_costs(request: HttpRequest) -> bool:
    return request.user.has_perm("providers.view_route")
