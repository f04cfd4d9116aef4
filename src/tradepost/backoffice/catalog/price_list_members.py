"""The page that puts accounts on a price list by their e-mail addresses."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse

from tradepost import formats
from tradepost.backoffice.ui import change_preview, formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import CheckboxWidget, TextareaWidget
from tradepost.catalog import price_list_members
from tradepost.catalog.models import PriceList

COLOURS = {"unknown": "danger", "moves here": "info", "stays there": "warning", "joins": "success"}

type _Row = tuple[str, str, str]  # the address, what happens to it, and its list until now


class JoinForm(forms.Form):
    """Which accounts to put on the list."""

    addresses = forms.CharField(
        label="E-mail addresses",
        widget=TextareaWidget,
        help_text="One per line, or separated by commas, semicolons or spaces.",
    )
    moves = forms.BooleanField(
        label="Move those who are on another list", required=False, widget=CheckboxWidget,
        help_text="An account can be on one list only. Otherwise members of other lists stay there.",
    )  # fmt: skip

    def clean_addresses(self) -> list[str]:
        """Return the addresses found in the text."""
        addresses = price_list_members.addresses_in(self.cleaned_data["addresses"])
        if not addresses:
            raise forms.ValidationError("There is no e-mail address in it.")
        if len(addresses) > price_list_members.ADDRESSES_MAX:
            raise forms.ValidationError(
                f"{formats.whole(len(addresses))} addresses; "
                f"no more than {formats.whole(price_list_members.ADDRESSES_MAX)} at once."
            )
        return addresses


def add_price_list_members(request: HttpRequest, price_list: int) -> HttpResponse:
    """Ask for addresses, preview who joins, and add them once staff confirm it."""
    if not request.user.has_perm("catalog.change_pricelist"):
        raise PermissionDenied
    target_list = get_object_or_404(PriceList, pk=price_list)
    form = JoinForm(request.POST if change_preview.is_submitted(request) else None)
    proposal = None
    if form.is_valid():
        with transaction.atomic():
            joining = price_list_members.plan(target_list, form.cleaned_data["addresses"])
            proposal = _preview(joining, moves=form.cleaned_data["moves"])
            if change_preview.is_confirmed(request, proposal):
                joiners = [*joining.new, *(joining.from_others if form.cleaned_data["moves"] else ())]
                price_list_members.add_members(target_list, joiners)
                messages.success(request, f"{formats.whole(len(joiners))} accounts are on {target_list} now.")
                return redirect("admin:catalog_pricelist_change", target_list.pk)
    return change_preview.preview_page(
        request,
        title=f"Put accounts on {target_list}",
        text=f"{formats.whole(target_list.members.count())} accounts are on it.",
        form=form,
        proposal=proposal,
        back=reverse("admin:catalog_pricelist_change", args=[target_list.pk]),
        opts=PriceList._meta,  # noqa: SLF001 - documented
    )


def _preview(joining: price_list_members.MembershipPlan, *, moves: bool) -> ChangePreview[_Row]:
    other = "moves here" if moves else "stays there"
    rows: list[_Row] = [(address, "unknown", "") for address in joining.unknown]
    rows += [(address, other, f"on {name}") for address, name in joining.from_others.values()]
    rows += [(address, "joins", "") for address in joining.new.values()]
    rows += [(address, "is on it", "") for address in joining.already]
    count = len(joining.new) + (len(joining.from_others) if moves else 0)
    unknown = f"{formats.whole(len(joining.unknown))} addresses are of no account, and are left out."
    warnings = [unknown] if joining.unknown else []
    headers = ("Address", "", "Until now")
    return ChangePreview(f"{formats.whole(count)} accounts join", headers, rows, _cells, count, warnings)


def _cells(row: _Row) -> tuple[Any, ...]:
    address, what, until_now = row
    return address, formatters.badge(what, COLOURS.get(what, "")), until_now
