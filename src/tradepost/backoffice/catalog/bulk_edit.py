"""The page on which ticked services, or all that a filter leaves, are edited at once."""

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

from tradepost.backoffice.ui import change_preview, formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import DecimalWidget, IntegerWidget, SelectWidget
from tradepost.catalog.models import Category, Service
from tradepost.providers import bulk_edit as edits
from tradepost.providers import costs
from tradepost.providers.bulk_edit import Edit, EditPlan, RateBy

SERVICES_MAX = 20_000
AS_IT_IS = ("", "Leave as it is")
NAMES = {"is_active": "on sale", "category_id": "category", "dripfeed": "drip-feed"}


def _choice(label: str, yes: str = "Yes", no: str = "No") -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, choices=[AS_IT_IS, ("yes", yes), ("no", no)], widget=SelectWidget
    )


def _number(label: str, *, least: int = 0) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=least, max_value=2**31 - 1, widget=IntegerWidget)


class EditForm(forms.Form):
    """What is to become of the services; what is left empty stays as it is."""

    rate_by = forms.ChoiceField(
        label="Rate", required=False, choices=[AS_IT_IS, *RateBy.choices()], widget=SelectWidget,
        help_text="The cost is that of the dearest active route.",
    )  # fmt: skip
    figure = forms.DecimalField(required=False, max_digits=20, decimal_places=7, widget=DecimalWidget)
    decimals = forms.IntegerField(
        label="Round to decimals", required=False, min_value=0, max_value=edits.RATE_DECIMALS,
        widget=IntegerWidget, help_text="Empty: 7. Half up; what is made of a cost is rounded up.",
    )  # fmt: skip
    min = _number("Min", least=1)
    max = _number("Max", least=1)
    is_active = _choice("For sale", "Put on sale", "Take off sale")
    category = forms.ModelChoiceField(
        Category.objects.all(), required=False, empty_label=AS_IT_IS[1], widget=SelectWidget
    )
    refill = _choice("Refill")
    refill_days = _number("Refill days")
    refill_wait_hours = _number("Refill wait hours")
    cancel = _choice("Cancel")
    dripfeed = _choice("Drip-feed")

    def clean(self) -> dict[str, Any]:
        """Ask for something, and for a figure where one is needed."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        if told.get("rate_by") and told.get("figure") is None and "figure" not in self.errors:
            self.add_error("figure", "How much?")
        if not self.errors and not any(value not in {None, ""} for value in told.values()):
            raise forms.ValidationError("Say what is to change.")
        return told

    def edit(self) -> Edit:
        """Return what was chosen."""
        told = self.cleaned_data
        flags = {name: told[name] == "yes" for name in ("is_active", "refill", "cancel", "dripfeed") if told[name]}
        numbers = {name: told[name] for name in ("min", "max", "refill_days", "refill_wait_hours")}
        decimals = told["decimals"]
        return Edit(
            rate_by=RateBy(told["rate_by"]) if told["rate_by"] else None,
            figure=told["figure"] or Decimal(0),
            decimals=edits.RATE_DECIMALS if decimals is None else decimals,
            category_id=told["category"].pk if told["category"] else None,
            **flags,
            **numbers,
        )


FIELDSETS = (
    ("Rate", ("rate_by", "figure", "decimals")),
    ("Limits and sale", ("min", "max", "is_active", "category")),
    ("Refills, cancels, drip-feeds", ("refill", "refill_days", "refill_wait_hours", "cancel", "dripfeed")),
)


class BulkEditMixin:
    """Put before the `ModelAdmin` of services: an action that edits many of them."""

    @admin.action(description="Edit…", permissions=["change"])
    def bulk_edit(self, request: HttpRequest, queryset: QuerySet[Service]) -> HttpResponse | None:
        """Ask what is to change, show what that does, and do it when that is agreed to."""
        ids = list(queryset.values_list("pk", flat=True)[:SERVICES_MAX])
        form = EditForm(request.POST if change_preview.is_asked(request) else None)
        proposal = None
        if form.is_valid():
            with transaction.atomic():
                locked = Service.objects.filter(pk__in=ids).order_by("pk").select_for_update()
                considered = edits.plan_edits(found := list(locked), form.edit(), costs.costs_by_service(found))
                names = dict(Category.objects.values_list("pk", "name"))
                proposal = _proposal(considered, names)
                if change_preview.is_agreed(request, proposal):
                    _apply(request, considered)
                    return None
        return change_preview.page(
            request,
            title="Edit services",
            text=f"{len(ids):,} services are edited. What is left empty stays as it is; nothing is done before you have"
            " seen what it would be.",
            form=form,
            proposal=proposal,
            fieldsets=FIELDSETS,
            hidden=_selection(request, "bulk_edit"),
            back="",
            opts=Service._meta,  # noqa: SLF001 - documented
        )


def _apply(request: HttpRequest, considered: Sequence[EditPlan]) -> None:
    quarantined = edits.apply(considered)
    changed = [each for each in considered if each.is_to_change]
    messages.success(request, f"{len(changed):,} services changed.")
    if quarantined:
        messages.warning(request, f"{len(quarantined):,} of them are in quarantine now, off sale.")


def _selection(request: HttpRequest, action: str) -> list[tuple[str, str]]:
    ticked = [(helpers.ACTION_CHECKBOX_NAME, id_) for id_ in request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)]
    return [("action", action), ("select_across", request.POST.get("select_across", "0")), *ticked]


def _proposal(considered: Sequence[EditPlan], names: Mapping[int, str]) -> ChangePreview[EditPlan]:
    changing = [each for each in considered if each.is_to_change]
    refused = [each for each in considered if each.refusal]
    warned = [each for each in changing if each.warnings]
    quiet = [each for each in changing if not each.warnings]
    same = len(considered) - len(changing) - len(refused)
    warnings = [f"{len(refused):,} can't be changed like this and are left as they are."] if refused else []
    return ChangePreview(
        summary=f"{len(changing):,} change, {same:,} are so already",
        headers=("Service", "Changes", "Mind"),
        rows=[*refused, *warned, *quiet],
        cells=lambda each: _row(each, names),
        count=len(changing),
        warnings=warnings,
    )


def _row(each: EditPlan, names: Mapping[int, str]) -> tuple[SafeString | str, ...]:
    name = format_html("{} · {}", each.service.pk, formatters.short(each.service.name))
    if each.refusal:
        return name, formatters.NOTHING, format_html("{} {}", formatters.badge("left as it is", "danger"), each.refusal)
    changed = '<span class="tp-change">{} <s>{}</s> → <b>{}</b></span>'
    changes = format_html_join(" ", changed, _written(each, names))
    mind = format_html_join("", '<span class="tp-mind">{}</span>', ((text,) for text in each.warnings))
    return name, changes, mind


def _written(each: EditPlan, names: Mapping[int, str]) -> list[tuple[str, str, str]]:
    """Write each change: the field, the old value and the new one."""
    return [
        (NAMES.get(field, field.replace("_", " ")), _value(field, was, names), _value(field, new, names))
        for field, (was, new) in each.changes.items()
    ]


def _value(field: str, value: Any, names: Mapping[int, str]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return formatters.amount(value)
    return names.get(value, "?") if field == "category_id" else f"{value:,}"
