"""What the buttons of an account's page share: the account they act on, and the form for a reason."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tradepost.accounts.models import REASON_CHARS_MAX, Account
from tradepost.backoffice.ui.unfold_admin import DialogForm, TextareaWidget


class BulkReasonForm(forms.Form):
    """The reason for a bulk action, stored with each ticked account."""

    reason = forms.CharField(
        label="Reason",
        max_length=REASON_CHARS_MAX,
        widget=TextareaWidget(attrs={"rows": 3}),
        help_text="For staff only; the customer never sees it.",
    )


class ReasonForm(DialogForm):
    """The reason for an action, stored with it."""

    reason = BulkReasonForm.base_fields["reason"]


class AccountDialogMixin:
    """Finds the account of a page, and checks whether this user may change it."""

    def account(self, request: HttpRequest, object_id: str | None) -> Account | None:
        """Return the account of the page. One request looks it up once, however many buttons need it."""
        accounts_by_id: dict[str | None, Account | None] = request.__dict__.setdefault("accounts_shown", {})
        if object_id not in accounts_by_id:
            admin: Any = self
            accounts_by_id[object_id] = admin.get_object(request, object_id) if object_id else None
        return accounts_by_id[object_id]

    def changeable_account(self, request: HttpRequest, object_id: str | None) -> Account | None:
        """Return the account if this user may change it; else None."""
        account = self.account(request, object_id)
        admin: Any = self
        return account if account and admin.has_change_permission(request, account) else None

    def has_edit_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change the account itself."""
        return self.changeable_account(request, object_id) is not None


def redirect_to_account(account: Account) -> HttpResponse:
    """Make the dialog load the account's page again."""
    return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_change", args=[account.pk])})
