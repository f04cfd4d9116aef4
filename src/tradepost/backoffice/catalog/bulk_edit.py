"""The page that edits the ticked services, or all that a filter finds, at once."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.ui import change_preview, formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import DecimalWidget, IntegerWidget, SelectWidget
from tradepost.catalog.models import Category, Service
from tradepost.providers import bulk_edit as edits
from tradepost.providers import costs
from tradepost.providers.bulk_edit import Edit, EditPlan, RateBy

SERVICES_MAX = 20_000
UNCHANGED = ("", "Leave as it is")
FIELD_NAMES = {"is_active": "on sale", "category_id": "category", "dripfeed": "drip-feed"}


def _choice(label: str, yes: str = "Yes", no: str = "No") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, choices=[UNCHANGED, ("yes", yes), ("no", no)], widget=SelectWidget
    )


def _number(label: str, *, least: int = 0) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=2**31 - 1, widget=IntegerWidget)


class ServiceEditForm(forms.Form):
    """What to change. A service keeps its value where a field is empty."""

    rate_by = forms.ChoiceField(
        label="Rate", required=False, choices=[UNCHANGED, *RateBy.choices()], widget=SelectWidget,
        help_text="Cost: the most expensive active route.",
    )  # fmt: skip
    figure = forms.DecimalField(required=False, max_digits=20, decimal_places=7, widget=DecimalWidget)
    decimals = forms.IntegerField(
        label="Round to decimals", required=False, min_value=0, max_value=edits.RATE_DECIMALS,
        widget=IntegerWidget, help_text="Empty: 7. Rounded half up; markups on cost are rounded up.",
    )  # fmt: skip
    min = _number("Min", least=1)
    max = _number("Max", least=1)
    is_active = _choice("For sale", "Put on sale", "Take off sale")
    category = forms.ModelChoiceField(
        Category.objects.all(), required=False, empty_label=UNCHANGED[1], widget=SelectWidget
    )
    refill = _choice("Refill")
    refill_days = _number("Refill days")
    refill_wait_hours = _number("Refill wait hours")
    cancel = _choice("Cancel")
    dripfeed = _choice("Drip-feed")

    def clean(self) -> dict[str, Any]:
        """Require at least one change, and a figure for every change of the rate."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("rate_by") and cleaned.get("figure") is None and "figure" not in self.errors:
            self.add_error("figure", "How much?")
        if not self.errors and not any(value not in {None, ""} for value in cleaned.values()):
            raise forms.ValidationError("Say what is to change.")
        return cleaned

    def edit(self) -> Edit:
        cleaned = self.cleaned_data
        flags = {
            name: cleaned[name] == "yes" for name in ("is_active", "refill", "cancel", "dripfeed") if cleaned[name]
        }
        numbers = {name: cleaned[name] for name in ("min", "max", "refill_days", "refill_wait_hours")}
        decimals = cleaned["decimals"]
        return Edit(
            rate_by=RateBy(cleaned["rate_by"]) if cleaned["rate_by"] else None,
            figure=cleaned["figure"] or Decimal(0),
            decimals=edits.RATE_DECIMALS if decimals is None else decimals,
            category_id=cleaned["category"].pk if cleaned["category"] else None,
            **flags,
            **numbers,
        )


FIELDSETS = (
    ("Rate", ("rate_by", "figure", "decimals")),
    ("Limits and sale", ("min", "max", "is_active", "category")),
    ("Refills, cancels, drip-feeds", ("refill", "refill_days", "refill_wait_hours", "cancel", "dripfeed")),
)


class BulkEditMixin:
    """Adds an action to the list of services that edits many of them."""

    @admin.action(description="Edit…", permissions=["change"])
    def bulk_edit(self, request: HttpRequest, queryset: QuerySet[Service]) -> HttpResponse | None:
        """Ask what to change, preview the result, and apply it once staff confirm it."""
        ids = list(queryset.values_list("pk", flat=True)[:SERVICES_MAX])
        form = ServiceEditForm(request.POST if change_preview.is_submitted(request) else None)
        proposal = None
        if form.is_valid():
            with transaction.atomic():
                locked = Service.objects.filter(pk__in=ids).order_by("pk").select_for_update()
                services = list(locked)
                considered = edits.plan_edits(services, form.edit(), costs.costs_by_service(services))
                category_names = dict(Category.objects.values_list("pk", "name"))
                proposal = _preview(considered, category_names)
                if change_preview.is_confirmed(request, proposal):
                    _apply(request, considered)
                    return None
        return change_preview.preview_page(
            request,
            title="Edit services",
            text=f"{formats.whole(len(ids))} services are edited. What is left empty stays as it is; nothing is done "
            "before you have seen what it would be.",
            form=form,
            proposal=proposal,
            fieldsets=FIELDSETS,
            hidden=_selection(request, "bulk_edit"),
            back="",
            opts=Service._meta,  # noqa: SLF001 - documented
        )


def _apply(request: HttpRequest, considered: Sequence[EditPlan]) -> None:
    quarantined = edits.apply(considered)
    changed = [item for item in considered if item.is_to_change]
    messages.success(request, f"{formats.whole(len(changed))} services changed.")
    if quarantined:
        messages.warning(request, f"{formats.whole(len(quarantined))} of them are in quarantine now, off sale.")


def _selection(request: HttpRequest, action: str) -> list[tuple[str, str]]:
    ticked = [(helpers.ACTION_CHECKBOX_NAME, id_) for id_ in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)]
    return [("action", action), ("select_across", request.POST.get("select_across", "0")), *ticked]


def _preview(considered: Sequence[EditPlan], category_names: Mapping[int, str]) -> ChangePreview[EditPlan]:
    changing = [item for item in considered if item.is_to_change]
    refused = [item for item in considered if item.refusal]
    warned = [item for item in changing if item.warnings]
    unwarned = [item for item in changing if not item.warnings]
    same = len(considered) - len(changing) - len(refused)
    left = f"{formats.whole(len(refused))} can't be changed like this and are left as they are."
    return ChangePreview(
        summary=f"{formats.whole(len(changing))} change, {formats.whole(same)} are so already",
        headers=("Service", "Changes", "Mind"),
        rows=[*refused, *warned, *unwarned],
        cells=lambda item: _row(item, category_names),
        count=len(changing),
        warnings=[left] if refused else [],
    )


def _row(item: EditPlan, category_names: Mapping[int, str]) -> tuple[SafeString | str, ...]:
    name = format_html("{} · {}", item.service.pk, formatters.truncated(item.service.name))
    if item.refusal:
        return name, formats.NOTHING, format_html("{} {}", formatters.badge("left as it is", "danger"), item.refusal)
    changed = '<span class="tp-change">{} <s>{}</s> → <b>{}</b></span>'
    changes = format_html_join(" ", changed, _changes_in_words(item, category_names))
    warnings = format_html_join("", '<span class="tp-mind">{}</span>', ((text,) for text in item.warnings))
    return name, changes, warnings


def _changes_in_words(item: EditPlan, category_names: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """Return each changed field with its old and its new value."""
    return [
        (
            FIELD_NAMES.get(field, field.replace("_", " ")),
            _value_text(field, was, category_names),
            _value_text(field, new, category_names),
        )
        for field, (was, new) in item.changes.items()
    ]


def _value_text(field: str, value: Any, category_names: Mapping[int, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return formatters.rate(value)
    return category_names.get(value, "?") if field == "category_id" else formats.whole(value)
