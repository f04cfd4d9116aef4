"""The page on which accounts are put on a price list by their addresses, and the list's members are looked through."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from tradepost.backoffice.ui import change_preview, formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import CheckboxWidget, TextareaWidget
from tradepost.catalog import price_list_members
from tradepost.catalog.models import PriceList

COLOURS = {"unknown": "danger", "moves here": "info", "stays there": "warning", "joins": "success"}

type _Row = tuple[str, str, str]  # the address, what becomes of it, and which list it is on


class JoinForm(forms.Form):
    """Who is to be on it."""

    addresses = forms.CharField(
        label="E-mail addresses",
        widget=TextareaWidget,
        help_text="As they are: one a line, or with commas, semicolons or spaces between them.",
    )
    moves = forms.BooleanField(
        label="Move those who are on another list", required=False, widget=CheckboxWidget,
        help_text="An account is on one list at most. Else they stay where they are.",
    )  # fmt: skip

    def clean_addresses(self) -> list[str]:
        """Find the addresses."""
        found = price_list_members.addresses_in(self.cleaned_data["addresses"])
        if not found:
            raise forms.ValidationError("There is no e-mail address in it.")
        if len(found) > price_list_members.ADDRESSES_MAX:
            raise forms.ValidationError(
                f"{len(found):,} addresses; no more than {price_list_members.ADDRESSES_MAX:,} at once."
            )
        return found


def join(request: HttpRequest, price_list: int) -> HttpResponse:
    """Ask for addresses, show who would join, and have them join when that is agreed to."""
    if not request.user.has_perm("catalog.change_pricelist"):
        raise PermissionDenied
    found = get_object_or_404(PriceList, pk=price_list)
    form = JoinForm(request.POST if change_preview.is_asked(request) else None)
    proposal = None
    if form.is_valid():
        with transaction.atomic():
            told = price_list_members.plan(found, form.cleaned_data["addresses"])
            proposal = _proposal(told, moves=form.cleaned_data["moves"])
            if change_preview.is_agreed(request, proposal):
                joiners = [*told.new, *(told.from_others if form.cleaned_data["moves"] else ())]
                price_list_members.add_members(found, joiners)
                messages.success(request, f"{len(joiners):,} accounts are on {found} now.")
                return redirect("admin:catalog_pricelist_change", found.pk)
    return change_preview.page(
        request,
        title=f"Put accounts on {found}",
        text=f"{found.members.count():,} accounts are on it.",
        form=form,
        proposal=proposal,
        back=reverse("admin:catalog_pricelist_change", args=[found.pk]),
        opts=PriceList._meta,  # noqa: SLF001 - documented
    )


def _proposal(told: price_list_members.MembershipPlan, *, moves: bool) -> ChangePreview[_Row]:
    other = "moves here" if moves else "stays there"
    rows: list[_Row] = [(address, "unknown", "") for address in told.unknown]
    rows += [(address, other, f"on {name}") for address, name in told.from_others.values()]
    rows += [(address, "joins", "") for address in told.new.values()]
    rows += [(address, "is on it", "") for address in told.already]
    count = len(told.new) + (len(told.from_others) if moves else 0)
    warnings = [f"{len(told.unknown):,} addresses are of no account, and are left out."] if told.unknown else []
    return ChangePreview(f"{count:,} accounts join", ("Address", "", "Until now"), rows, _cells, count, warnings)


def _cells(row: _Row) -> tuple[Any, ...]:
    address, what, until_now = row
    return address, formatters.badge(what, COLOURS.get(what, "")), until_now
