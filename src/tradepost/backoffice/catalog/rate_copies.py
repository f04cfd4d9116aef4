"""The page that copies one account's custom rates to other accounts."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from tradepost import formats
from tradepost.accounts.models import Account
from tradepost.backoffice.ui import change_preview, formatters
from tradepost.backoffice.ui.change_preview import ChangePreview
from tradepost.backoffice.ui.unfold_admin import SelectWidget, TextareaWidget, TextWidget
from tradepost.catalog import rate_copies
from tradepost.catalog.models import CustomRate
from tradepost.catalog.price_list_members import addresses_in
from tradepost.catalog.rate_copies import RateCopy

SHOWN_UNKNOWN_MAX = 5


class CopyForm(forms.Form):
    """Whose rates to copy, and to whom."""

    source = forms.EmailField(label="From the account", widget=TextWidget)
    targets = forms.CharField(
        label="To the accounts",
        widget=TextareaWidget,
        help_text="E-mail addresses: one per line, or separated by commas, semicolons or spaces.",
    )
    existing = forms.ChoiceField(
        label="Where one has a rate already",
        choices=[("keep", "Keep it"), ("overwrite", "Overwrite it")],
        initial="keep",
        widget=SelectWidget,
    )

    def clean_source(self) -> Account:
        account = Account.objects.filter(email=self.cleaned_data["source"].lower()).first()
        if account is None:
            raise forms.ValidationError("There is no account of this address.")
        return account

    def clean_targets(self) -> list[int]:
        """Refuse unknown addresses: one may be a typing error."""
        addresses = addresses_in(self.cleaned_data["targets"])
        if not 1 <= len(addresses) <= rate_copies.ACCOUNTS_MAX:
            raise forms.ValidationError(f"From 1 to {formats.whole(rate_copies.ACCOUNTS_MAX)} addresses.")
        ids_by_address = dict(Account.objects.filter(email__in=addresses).values_list("email", "pk"))
        unknown = [address for address in addresses if address not in ids_by_address]
        if unknown:
            left = len(unknown) - SHOWN_UNKNOWN_MAX
            more = f" and {formats.whole(left)} more" if left > 0 else ""
            raise forms.ValidationError(f"Of no account: {', '.join(unknown[:SHOWN_UNKNOWN_MAX])}{more}.")
        return list(ids_by_address.values())

    def consider(self) -> list[RateCopy] | None:
        """Return the copies to make. If there are too many, add an error to the field and return None."""
        cleaned = self.cleaned_data
        targets = [account for account in cleaned["targets"] if account != cleaned["source"].pk]
        try:
            return rate_copies.preview(cleaned["source"].pk, targets, overwrite=cleaned["existing"] == "overwrite")
        except rate_copies.TooManyRatesError as error:
            self.add_error("targets", str(error))
            return None


def copy_custom_rates(request: HttpRequest) -> HttpResponse:
    """Ask whose rates to copy and to whom, preview the copies, and make them once staff confirm them."""
    if not request.user.has_perms(["catalog.add_customrate", "catalog.change_customrate"]):
        raise PermissionDenied
    form = CopyForm(request.POST if change_preview.is_submitted(request) else None)
    proposal = None
    with transaction.atomic():
        copies = form.consider() if form.is_valid() else None
        if copies is not None:
            proposal = _preview(copies)
            if change_preview.is_confirmed(request, proposal):
                _apply(request, copies)
                return redirect("admin:catalog_customrate_changelist")
    return change_preview.preview_page(
        request,
        title="Copy custom rates",
        text="Every rate agreed with one account is agreed with others too.",
        form=form,
        proposal=proposal,
        back=reverse("admin:catalog_customrate_changelist"),
        opts=CustomRate._meta,  # noqa: SLF001 - documented
    )


def _apply(request: HttpRequest, copies: Sequence[RateCopy]) -> None:
    rate_copies.write_copies(copies)
    written = [copy for copy in copies if copy.is_to_change]
    targets = {copy.account for copy in written}
    messages.success(request, f"{formats.whole(len(written))} rates copied to {formats.whole(len(targets))} accounts.")


def _preview(copies: Sequence[RateCopy]) -> ChangePreview[RateCopy]:
    written = [copy for copy in copies if copy.is_to_change]
    unchanged = [copy for copy in copies if not copy.is_to_change]
    overwritten = sum(copy.was is not None for copy in written)
    copied, over, stay = map(formats.whole, (len(written), overwritten, len(unchanged)))
    return ChangePreview(
        summary=f"{copied} rates are copied, {over} of them over others; {stay} stay",
        headers=("Account", "Service", "Has", "Gets"),
        rows=[*written, *unchanged],
        cells=_row,
        count=len(written),
    )


def _row(copy: RateCopy) -> tuple[Any, ...]:
    gets = formatters.rate(copy.rate) if copy.is_to_change else formatters.badge("stays", "")
    return copy.email, f"{copy.service} · {copy.name}", formatters.rate(copy.was), gets
