"""The buttons of an account's page that move its money or change its credit limit."""

from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tradepost.accounts import staff_events
from tradepost.accounts.models import Account, EventKind
from tradepost.backoffice.accounts.dialogs import AccountDialogMixin, ReasonForm, redirect_to_account
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.decimal_fields import plain_decimal
from tradepost.backoffice.ui.unfold_admin import DecimalWidget, SelectWidget, TextWidget, dialog_button
from tradepost.engine.money import ZERO
from tradepost.ledger import operations, payments
from tradepost.ledger.models import REFERENCE_CHARS_MAX, LedgerAccount, ManualPayment, PaymentKind, PaymentState
from tradepost.ledger.payments import PaymentRefusedError, PaymentRequest

DIGITS_MAX = 14  # of a typed amount, decimals included


class AmountField(forms.DecimalField):
    """An amount with the ledger's five decimals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=DIGITS_MAX, decimal_places=5, widget=DecimalWidget, **options)


class _PaymentForm(ReasonForm):
    """A form that becomes a payment. Its token makes repeated posts one payment."""

    form_token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._account_id = kwargs["request"].user, kwargs["object_id"]

    def _payment_request(self, kind: PaymentKind, amount: Decimal, reference: str = "") -> PaymentRequest:
        return PaymentRequest(
            form_token=self.cleaned_data["form_token"],
            account=int(self._account_id),
            kind=kind,
            amount=amount,
            reason=self.cleaned_data["reason"],
            reference=reference,
        )


class PayForm(_PaymentForm):
    """A payment."""

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
    form_before_template = "backoffice/accounts/payment_limits.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._allowance = payments.allowance(self._user)
        if not self._allowance.per_payment:
            self.fields = {name: field for name, field in self.fields.items() if field.widget.is_hidden}
            return
        kinds = [(kind.value, kind.value.capitalize()) for kind in payments.kinds_of(self._user)]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """Say before the form how much the user's role may pay."""
        amounts = {name: getattr(self._allowance, name) for name in ("per_payment", "today", "without_approval")}
        return {
            "is_unlimited": self._allowance.per_payment == payments.UNLIMITED,
            "may_pay": bool(self._allowance.per_payment),
            **{name: formatters.money(value) for name, value in amounts.items() if value.is_finite()},
        }

    def clean(self) -> dict[str, Any]:
        """Show at the amount why this user may not make the payment."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self._allowance.per_payment:
            raise forms.ValidationError(payments.NO_LIMIT)
        if {"form_token", "kind", "amount", "reason"} <= cleaned.keys():
            amount: Decimal = cleaned["amount"]
            if not amount or (amount < 0 and cleaned["kind"] != PaymentKind.CORRECTION):
                self.add_error("amount", "Only a correction may be below zero, and none may be nothing.")
            elif why := payments.why_not(self._user, self.payment_request()):
                self.add_error("amount", why)
        return cleaned

    def payment_request(self) -> PaymentRequest:
        cleaned = self.cleaned_data
        return self._payment_request(PaymentKind(cleaned["kind"]), cleaned["amount"], cleaned.get("reference", ""))


class CreditForm(_PaymentForm):
    """How far the balance may go below zero. A higher limit is a payment."""

    limit = AmountField(label="Credit limit", min_value=0)
    field_order = ("limit", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit_before = LedgerAccount.objects.get(account=self._account_id).credit_limit
        self.fields["limit"].initial = plain_decimal(self.limit_before)

    def clean(self) -> dict[str, Any]:
        """Show at the limit why this user may not raise it that far."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_raised = {"form_token", "limit", "reason"} <= cleaned.keys() and cleaned["limit"] > self.limit_before
        if is_raised and (why := payments.why_not(self._user, self.payment_request())):
            self.add_error("limit", why)
        return cleaned

    def payment_request(self) -> PaymentRequest:
        return self._payment_request(PaymentKind.CREDIT, self.cleaned_data["limit"] - self.limit_before)


class MoneyButtonsMixin(AccountDialogMixin):
    """Adds buttons to pay by hand and to change the credit limit to an account's page."""

    def has_pay_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may make payments of any kind. Their role limits the amount."""
        user = request.user
        return isinstance(user, Account) and bool(self.account(request, object_id)) and bool(payments.kinds_of(user))

    def has_credit_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change credit limits. Who may raise one, and how far, is decided as for payments."""
        return self.account(request, object_id) is not None and request.user.has_perm("ledger.change_credit_limit")

    @dialog_button(
        "Top up or correct",
        permission="pay",
        title="Top up, correct, or give a bonus",
        text="Above what your role may pay alone, it waits until a second person approves it.",
        form=PayForm,
        fresh=True,
    )
    def pay(self, request: HttpRequest, form: PayForm, object_id: str) -> HttpResponse:
        """Make the payment, or request it if a second person has to approve it."""
        account, user = self.account(request, object_id), request.user
        assert account
        assert isinstance(user, Account)
        try:
            payment = payments.make(user, form.payment_request())
        except PaymentRefusedError as error:
            messages.error(request, f"Nothing was paid. {error}")
            return redirect_to_account(account)
        what = f"{payment.kind.capitalize()} of {formatters.money_text(payment.amount)}"
        if payment.state == PaymentState.REQUESTED:
            messages.warning(request, f"{what}: it waits for a second person's approval.")
        else:
            balance = LedgerAccount.objects.get(account=account).balance or ZERO
            messages.success(request, f"{what}: the balance is {formatters.money_text(balance)}.")
        return redirect_to_account(account)

    @dialog_button(
        "Credit limit",
        permission="credit",
        title="How far may the balance go below zero?",
        text="0: not at all. It can't be less than what is owed now. More credit counts as a payment: above what your "
        "role may pay alone, it waits until a second person approves it.",
        form=CreditForm,
        fresh=True,
    )
    def limit_credit(self, request: HttpRequest, form: CreditForm, object_id: str) -> HttpResponse:
        """Lower the credit limit at once. Raise it by a payment, which may need a second person."""
        account = self.account(request, object_id)
        assert account
        is_raised = form.cleaned_data["limit"] > form.limit_before
        try:
            with transaction.atomic():
                done = _raise_credit(request, form) if is_raised else _lower_credit(request, form, account)
        except (PaymentRefusedError, ValueError) as error:
            messages.error(request, f"Nothing was changed. {error}")
            return redirect_to_account(account)
        if done is None:
            messages.warning(request, "More credit: it waits for a second person's approval.")
            return redirect_to_account(account)
        admin: Any = self
        admin.log_change(request, account, f"Credit limit changed from {done.before} to {done.after}")
        messages.success(request, done.message)
        return redirect_to_account(account)


class CreditChange(NamedTuple):
    """A credit limit, as it can be typed, before and after; and both for staff to read."""

    before: str
    after: str
    message: str


def record_credit(request: HttpRequest, account: Account, before: Decimal, after: Decimal, reason: str) -> CreditChange:
    """Write down that the credit limit was changed. Call this in the transaction that changes it."""
    change = CreditChange(
        plain_decimal(before),
        plain_decimal(after),
        f"The credit limit is {formatters.money_text(after)}; it was {formatters.money_text(before)}.",
    )
    kind = EventKind.CREDIT_LIMIT
    staff_events.record(request, account, kind, reason=reason, before=change.before, after=change.after)
    return change


def record_paid_credit(request: HttpRequest, payment: ManualPayment) -> CreditChange:
    """Write down what a payment of credit has done. Call this in its transaction."""
    limit = LedgerAccount.objects.get(account=payment.account_id).credit_limit
    return record_credit(request, payment.account, limit - payment.amount, limit, payment.reason)


def _raise_credit(request: HttpRequest, form: CreditForm) -> CreditChange | None:
    """Give more credit; return None if it waits for a second person."""
    assert isinstance(request.user, Account)
    payment = payments.make(request.user, form.payment_request())
    return record_paid_credit(request, payment) if payment.state == PaymentState.DONE else None


def _lower_credit(request: HttpRequest, form: CreditForm, account: Account) -> CreditChange:
    limit = form.cleaned_data["limit"]
    before = operations.lower_credit_limit(account.pk, limit)
    return record_credit(request, account, before, limit, form.cleaned_data["reason"])
