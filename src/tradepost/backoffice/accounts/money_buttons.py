"""The buttons of an account's page that move its money, or let it owe some."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tradepost.accounts import staff_events
from tradepost.accounts.models import Account, EventKind
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, ReasonForm, back_to
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.unfold_admin import DecimalWidget, SelectWidget, TextWidget, dialog_button
from tradepost.engine import money
from tradepost.ledger import books, payments
from tradepost.ledger.models import REFERENCE_CHARS_MAX, LedgerAccount, PaymentKind, PaymentState
from tradepost.ledger.payments import PaymentRefusedError, PaymentRequest

DIGITS_MAX = 14  # of an amount that is typed, decimals included


class AmountField(forms.DecimalField):
    """An amount as the ledger has it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=DIGITS_MAX, decimal_places=5, widget=DecimalWidget, **options)


class PayForm(ReasonForm):
    """What to pay; its token makes it one payment, however often it is sent."""

    form_token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)
    kind = forms.ChoiceField(label="Kind", widget=SelectWidget)
    amount = AmountField(label="Amount", help_text="Below zero, a correction takes money back.")
    reference = forms.CharField(
        label="Reference",
        required=False,
        max_length=REFERENCE_CHARS_MAX,
        widget=TextWidget,
        help_text="Like the number of the bank transfer. The customer sees it in the statement.",
    )
    field_order = ("kind", "amount", "reference", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._person, self._account = kwargs["request"].user, kwargs["object_id"]
        kinds = [(kind.value, kind.value.capitalize()) for kind in payments.kinds_of(self._person)]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Say at the amount why it can't be paid."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if {"form_token", "kind", "amount", "reason"} <= cleaned.keys():
            amount: Decimal = cleaned["amount"]
            if not amount or (amount < 0 and cleaned["kind"] != PaymentKind.CORRECTION):
                self.add_error("amount", "Only a correction may be below zero, and none may be nothing.")
            elif why := payments.why_not(self._person, self.wish()):
                self.add_error("amount", why)
        return cleaned

    def wish(self) -> PaymentRequest:
        """Return what is to be paid."""
        given = self.cleaned_data
        return PaymentRequest(
            form_token=given["form_token"],
            account=int(self._account),
            kind=PaymentKind(given["kind"]),
            amount=given["amount"],
            reason=given["reason"],
            reference=given.get("reference", ""),
        )


class CreditForm(ReasonForm):
    """How far the balance may go below zero."""

    limit = AmountField(label="Credit limit", min_value=0)
    field_order = ("limit", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        now = LedgerAccount.objects.filter(account=kwargs["object_id"]).values_list("credit_limit", flat=True).first()
        self.fields["limit"].initial = formatters.amount(now)


class MoneyButtonsMixin(AccountDialogMixin):
    """Put before the accounts' admin."""

    def has_pay_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may make a payment of any kind; how much, their role says."""
        person = request.user
        return (
            isinstance(person, Account) and bool(self.account(request, object_id)) and bool(payments.kinds_of(person))
        )

    def has_credit_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change credit limits, but for their own account's, which takes who sets limits."""
        account = self.account(request, object_id)
        is_other = account is not None and (account.pk != request.user.pk or request.user.has_perm(payments.SET_LIMITS))
        return is_other and request.user.has_perm("ledger.change_credit_limit")

    @dialog_button(
        "Top up or correct",
        permission="pay",
        title="Top up, correct, or give a bonus",
        text="Above what your role may pay alone, it waits until a second person approves it.",
        form=PayForm,
    )
    def pay(self, request: HttpRequest, form: PayForm, object_id: str) -> HttpResponse:
        """Pay, or ask for it."""
        account, person = self.account(request, object_id), request.user
        assert account
        assert isinstance(person, Account)
        try:
            payment = payments.make(person, form.wish())
        except PaymentRefusedError as refused:
            messages.error(request, f"Nothing was paid. {refused}")
            return back_to(account)
        what = f"{payment.kind.capitalize()} of {money.show(payment.amount)}"
        if payment.state == PaymentState.REQUESTED:
            messages.warning(request, f"{what}: it waits for a second person's approval.")
        else:
            balance = LedgerAccount.objects.get(account=account).balance
            messages.success(request, f"{what}: the balance is {formatters.amount(balance)}.")
        return back_to(account)

    @dialog_button(
        "Credit limit",
        permission="credit",
        title="How far may the balance go below zero?",
        text="0: not at all. It can't be less than what is owed now.",
        form=CreditForm,
    )
    def limit_credit(self, request: HttpRequest, form: CreditForm, object_id: str) -> HttpResponse:
        """Change it, and write down why."""
        account, limit = self.account(request, object_id), form.cleaned_data["limit"]
        assert account
        became = money.show(limit)
        try:
            with transaction.atomic():
                was = money.show(books.set_credit_limit(account.pk, limit))
                reason = form.cleaned_data["reason"]
                staff_events.record(request, account, EventKind.CREDIT_LIMIT, reason=reason, before=was, after=became)
        except ValueError as error:
            messages.error(request, f"Nothing was changed. {error}")
            return back_to(account)
        admin: Any = self
        admin.log_change(request, account, f"Credit limit changed from {was} to {became}")
        messages.success(request, f"The credit limit is {became}; it was {was}.")
        return back_to(account)
