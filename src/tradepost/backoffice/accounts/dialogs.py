"""What the buttons of an account's page have in common: whom they are about, and why."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tradepost.accounts.models import REASON_CHARS_MAX, Account
from tradepost.backoffice.ui.unfold_admin import DialogForm, TextareaWidget


class TickedForm(forms.Form):
    """Why; kept with what is done to each of what is ticked."""

    reason = forms.CharField(
        label="Reason",
        max_length=REASON_CHARS_MAX,
        widget=TextareaWidget(attrs={"rows": 3}),
        help_text="For staff only; the customer never sees it.",
    )


class ReasonForm(DialogForm):
    """Why; kept with what is done."""

    reason = TickedForm.base_fields["reason"]


class AccountDialogMixin:
    """Put before the accounts' admin: its buttons are about one account, and only who may change it presses them."""

    def account(self, request: HttpRequest, object_id: str | None) -> Account | None:
        """Return the account that a page is about, looked up once a request however many buttons ask."""
        kept: dict[str | None, Account | None] = request.__dict__.setdefault("accounts_shown", {})
        if object_id not in kept:
            admin: Any = self
            kept[object_id] = admin.get_object(request, object_id) if object_id else None
        return kept[object_id]

    def mendable(self, request: HttpRequest, object_id: str | None) -> Account | None:
        """Return the account, if whoever asks may change it."""
        account = self.account(request, object_id)
        admin: Any = self
        return account if account and admin.has_change_permission(request, account) else None

    def has_mend_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change the account itself."""
        return self.mendable(request, object_id) is not None


def back_to(account: Account) -> HttpResponse:
    """Have the dialog lead to the account's page, loaded anew."""
    return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_change", args=[account.pk])})
