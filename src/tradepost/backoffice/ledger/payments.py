"""Payments by hand in the back office: those made, and those that wait for a second person."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.accounts import delegation
from tradepost.accounts.models import Account
from tradepost.backoffice.accounts.money_buttons import record_paid_credit
from tradepost.backoffice.accounts.overview import STATE_COLOURS
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    ChoicesDropdownFilter,
    DialogForm,
    ModelAdmin,
    TextareaWidget,
    dialog_button,
)
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.ledger import payments
from tradepost.ledger.models import REASON_CHARS_MAX, ManualPayment, PaymentKind, PaymentState, Transfer
from tradepost.ledger.payments import APPROVE, PERMISSIONS, PaymentRefusedError

ACCOUNTS_MAX = 100


class DecisionReasonForm(DialogForm):
    """The reason for a decision, stored with the payment."""

    reason = forms.CharField(label="Reason", max_length=REASON_CHARS_MAX, widget=TextareaWidget(attrs={"rows": 3}))


class TakeBackForm(DecisionReasonForm):
    """The reason, and a token that makes repeated posts one correction."""

    form_token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)


@register(ManualPayment)
class ManualPaymentAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[ManualPayment]):
    """Every payment by hand. Users who may make or approve payments see them all."""

    list_display = (
        "id", "moved", "account", "state_shown", "kind_shown", "reference", "why", "requested_by", "made", "decider",
    )  # fmt: skip
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter), ("requested_at", DayFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("account", "requested_by", "decided_by")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Id, reference, or an e-mail address"
    actions_detail = ("approve", "reject", "take_back")
    made = formatters.timestamp_column("requested_at", "made")
    made_exactly = formatters.timestamp_column("requested_at", "made", exact=True)
    decided_exactly = formatters.timestamp_column("decided_at", "decided", exact=True)
    readonly_fields = (
        "owner", "kind_shown", "moved", "state_shown", "made_exactly", "decided_exactly", "transfer_shown",
        "corrects_shown",
    )  # fmt: skip
    fields = (
        ("owner", "kind_shown"), ("moved", "state_shown"), "reference", "reason", ("requested_by", "made_exactly"),
        ("decided_by", "decided_exactly"), "decision_reason", ("transfer_shown", "corrects_shown"),
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: ManualPayment | None = None) -> bool:
        """Allow users who may make or approve a payment of any kind."""
        return super().has_view_permission(request, obj) or any(
            map(request.user.has_perm, {APPROVE, *PERMISSIONS.values()})
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow approving a waiting payment, unless this user requested it or is paid by it."""
        payment = self._requested_payment(request, object_id)
        is_own = payment is not None and request.user.pk in {payment.requested_by_id, payment.account_id}
        if payment is None or is_own or not request.user.has_perm(APPROVE):
            return False
        return payment.kind != PaymentKind.CREDIT or delegation.outranks(request.user, payment.account)

    def has_reject_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow rejecting a waiting payment. The user who requested it may do so too."""
        payment = self._requested_payment(request, object_id)
        return payment is not None and (payment.requested_by_id == request.user.pk or request.user.has_perm(APPROVE))

    def has_correct_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow correcting a payment that was made and is not taken back yet."""
        payment = self.get_object(request, object_id) if object_id else None
        may_correct = request.user.has_perm(PERMISSIONS[PaymentKind.CORRECTION])
        return payment is not None and may_correct and not payments.why_not_back(payment)

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[ManualPayment],
        search_term: str,
    ) -> tuple[QuerySet[ManualPayment], bool]:
        """Search by id, reference, or part of an e-mail address."""
        term = search_term.strip()
        return (queryset.filter(_search_condition(term)) if term else queryset), False

    @admin.display(description="account")
    def owner(self, payment: ManualPayment) -> SafeString | str:
        return links.account_link(payment.account)

    @admin.display(description="kind")
    def kind_shown(self, payment: ManualPayment) -> str:
        return payment.kind.capitalize()

    @formatters.numeric_column("amount")
    def moved(self, payment: ManualPayment) -> SafeString:
        return formatters.money(payment.amount)

    @admin.display(description="state")
    def state_shown(self, payment: ManualPayment) -> SafeString:
        return formatters.badge(payment.state, STATE_COLOURS[payment.state])

    @admin.display(description="reason")
    def why(self, payment: ManualPayment) -> SafeString:
        return formatters.truncated(payment.reason)

    @admin.display(description="decided by")
    def decider(self, payment: ManualPayment) -> str:
        return str(payment.decided_by or formats.NOTHING)

    @admin.display(description="transfer")
    def transfer_shown(self, payment: ManualPayment) -> SafeString | str:
        if payment.transfer_id is None:
            return formats.NOTHING
        return links.row_link(Transfer, payment.transfer_id, payment.transfer_id)

    @admin.display(description="corrects or is corrected by")
    def corrects_shown(self, payment: ManualPayment) -> SafeString | str:
        """Link a payment to its correction, and a correction to its payment."""
        correction = payment.corrections.exclude(state=PaymentState.REJECTED.value).first()
        parts = [
            _payment_link(payment.corrects_id, "corrects") if payment.corrects_id else "",
            _payment_link(correction.pk, "by") if correction else "",
        ]
        return format_html("{} {}", *parts) if any(parts) else formats.NOTHING

    @dialog_button(
        "Approve",
        permission="approve",
        title="Approve this payment?",
        text="Its money moves at once, or its credit is given.",
        form=DialogForm,
        fresh=True,
    )
    def approve(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, lambda user: payments.approve(user, int(object_id)), "Approved")

    @dialog_button(
        "Reject",
        permission="reject",
        title="Reject this payment?",
        text="It moves nothing, and stays rejected.",
        form=DecisionReasonForm,
        danger=True,
        fresh=True,
    )
    def reject(self, request: HttpRequest, form: DecisionReasonForm, object_id: str) -> HttpResponse:
        reason = form.cleaned_data["reason"]
        return self._decide(
            request, object_id, lambda user: payments.reject(user, int(object_id), reason=reason), "Rejected"
        )

    @dialog_button(
        "Take back",
        permission="correct",
        title="Was this payment a mistake?",
        text="A correction of the same amount takes it back from the balance, held to the same limits.",
        form=TakeBackForm,
        danger=True,
        fresh=True,
    )
    def take_back(self, request: HttpRequest, form: TakeBackForm, object_id: str) -> HttpResponse:
        cleaned = form.cleaned_data
        return self._decide(
            request,
            object_id,
            lambda user: payments.take_back(
                user, int(object_id), form_token=cleaned["form_token"], reason=cleaned["reason"]
            ),
            "Taken back",
        )

    def _decide(
        self, request: HttpRequest, object_id: str, decide: Callable[[Account], ManualPayment], done: str
    ) -> HttpResponse:
        user = request.user
        assert isinstance(user, Account)
        try:
            with transaction.atomic():
                payment = decide(user)
                if payment.kind == PaymentKind.CREDIT and payment.state == PaymentState.DONE:
                    record_paid_credit(request, payment)
        except PaymentRefusedError as error:
            self.message_user(request, f"Nothing was changed. {error}", messages.ERROR)
        else:
            note = " It waits for a second person's approval." if payment.state == PaymentState.REQUESTED else ""
            self.log_change(request, payment, done)
            level = messages.WARNING if note else messages.SUCCESS
            what = f"{payment.kind} of {formatters.money_text(payment.amount)}"
            self.message_user(request, f"{done}: {what}.{note}", level)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:ledger_manualpayment_change", args=[object_id])})

    def _requested_payment(self, request: HttpRequest, object_id: str | None) -> ManualPayment | None:
        payment: Any = self.get_object(request, object_id) if object_id else None
        return payment if payment and payment.state == PaymentState.REQUESTED else None


def _payment_link(payment: int, word: str) -> SafeString:
    url = reverse("admin:ledger_manualpayment_change", args=[payment])
    return format_html('<a class="tp-link" href="{}">{} payment {}</a>', url, word, payment)


def _search_condition(term: str) -> Q:
    accounts = Account.objects.filter(email__icontains=term).values_list("pk", flat=True)[:ACCOUNTS_MAX]
    condition = Q(reference__icontains=term) | Q(account__in=list(accounts))
    is_id = term.isascii() and term.isdigit() and len(term) < len(str(BIGINT_MAX))
    return condition | Q(pk=int(term)) if is_id else condition
