"""Payments by hand in the back office: what was paid, and what waits for a second person."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.accounts.models import Account
from tradepost.backoffice.accounts.overview import STATE_COLOURS
from tradepost.backoffice.ui import formatters
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
from tradepost.engine import money
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.ledger import payments
from tradepost.ledger.models import REASON_CHARS_MAX, ManualPayment, PaymentKind, PaymentState
from tradepost.ledger.payments import APPROVE, PERMISSIONS, PaymentRefusedError

ACCOUNTS_MAX = 100


class WhyForm(DialogForm):
    """Why; kept with the payment."""

    reason = forms.CharField(label="Reason", max_length=REASON_CHARS_MAX, widget=TextareaWidget(attrs={"rows": 3}))


class TakeBackForm(WhyForm):
    """Why; its token makes it one correction, however often it is sent."""

    form_token = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)


@register(ManualPayment)
class ManualPaymentAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[ManualPayment]):
    """Every payment by hand. Those who make or approve them see them; a second person decides on what waits."""

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
    made = formatters.time_of("requested_at", "made")
    made_exactly = formatters.time_of("requested_at", "made", exact=True)
    decided_exactly = formatters.time_of("decided_at", "decided", exact=True)
    readonly_fields = (
        "owner", "kind_shown", "moved", "state_shown", "made_exactly", "decided_exactly", "transfer_shown",
        "corrects_shown",
    )  # fmt: skip
    fields = (
        ("owner", "kind_shown"), ("moved", "state_shown"), "reference", "reason", ("requested_by", "made_exactly"),
        ("decided_by", "decided_exactly"), "decision_reason", ("transfer_shown", "corrects_shown"),
    )  # fmt: skip

    def has_view_permission(self, request: HttpRequest, obj: ManualPayment | None = None) -> bool:
        """Whoever may make or approve any."""
        return super().has_view_permission(request, obj) or any(
            map(request.user.has_perm, {APPROVE, *PERMISSIONS.values()})
        )

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may view."""
        return self.has_view_permission(request)

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what waits, and what somebody else has asked for, for somebody else."""
        payment = self._waiting(request, object_id)
        is_ones_own = payment is not None and request.user.pk in {payment.requested_by_id, payment.account_id}
        return payment is not None and not is_ones_own and request.user.has_perm(APPROVE)

    def has_reject_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what waits; whoever asked for it may take that back."""
        payment = self._waiting(request, object_id)
        return payment is not None and (payment.requested_by_id == request.user.pk or request.user.has_perm(APPROVE))

    def has_correct_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Only what was paid and is not taken back."""
        payment = self.get_object(request, object_id) if object_id else None
        may = request.user.has_perm(PERMISSIONS[PaymentKind.CORRECTION])
        return payment is not None and may and not payments.why_not_back(payment)

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[ManualPayment],
        search_term: str,
    ) -> tuple[QuerySet[ManualPayment], bool]:
        """Search by number, reference or address."""
        term = search_term.strip()
        return (queryset.filter(_matches(term)) if term else queryset), False

    @admin.display(description="account")
    def owner(self, payment: ManualPayment) -> SafeString:
        """Lead to whom it pays."""
        return formatters.owner(payment.account)

    @admin.display(description="kind")
    def kind_shown(self, payment: ManualPayment) -> str:
        """Show what it is."""
        return payment.kind.capitalize()

    @formatters.figure("amount")
    def moved(self, payment: ManualPayment) -> str:
        """Show how much."""
        return formatters.grouped(payment.amount)

    @admin.display(description="state")
    def state_shown(self, payment: ManualPayment) -> SafeString:
        """Show how far it is."""
        return formatters.badge(payment.state, STATE_COLOURS[payment.state])

    @admin.display(description="reason")
    def why(self, payment: ManualPayment) -> SafeString:
        """Show it in a line."""
        return formatters.short(payment.reason)

    @admin.display(description="decided by")
    def decider(self, payment: ManualPayment) -> str:
        """Show the second person."""
        return str(payment.decided_by or formatters.NOTHING)

    @admin.display(description="transfer")
    def transfer_shown(self, payment: ManualPayment) -> SafeString | str:
        """Lead to what it moved."""
        if payment.transfer_id is None:
            return formatters.NOTHING
        return formatters.link(
            reverse("admin:ledger_transfer_change", args=[payment.transfer_id]), str(payment.transfer_id)
        )

    @admin.display(description="corrects or is corrected by")
    def corrects_shown(self, payment: ManualPayment) -> SafeString | str:
        """Lead from a mistake to what took it back, and the other way."""
        back = payment.corrections.exclude(state=PaymentState.REJECTED.value).first()
        parts = [
            _to(payment.corrects_id, "corrects") if payment.corrects_id else "",
            _to(back.pk, "by") if back else "",
        ]
        return format_html("{} {}", *parts) if any(parts) else formatters.NOTHING

    @dialog_button(
        "Approve",
        permission="approve",
        title="Approve this payment?",
        text="Its money moves at once.",
        form=DialogForm,
    )
    def approve(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Move its money."""
        return self._decide(request, object_id, lambda person: payments.approve(person, int(object_id)), "Approved")

    @dialog_button(
        "Reject",
        permission="reject",
        title="Reject this payment?",
        text="It moves nothing, and stays rejected.",
        form=WhyForm,
        danger=True,
    )
    def reject(self, request: HttpRequest, form: WhyForm, object_id: str) -> HttpResponse:
        """Let it be."""
        reason = form.cleaned_data["reason"]
        return self._decide(
            request, object_id, lambda person: payments.reject(person, int(object_id), reason=reason), "Rejected"
        )

    @dialog_button(
        "Take back",
        permission="correct",
        title="Was this payment a mistake?",
        text="A correction of the same amount takes it back from the balance, held to the same limits.",
        form=TakeBackForm,
        danger=True,
    )
    def take_back(self, request: HttpRequest, form: TakeBackForm, object_id: str) -> HttpResponse:
        """Correct it."""
        given = form.cleaned_data
        return self._decide(
            request,
            object_id,
            lambda person: payments.take_back(
                person, int(object_id), form_token=given["form_token"], reason=given["reason"]
            ),
            "Taken back",
        )

    def _decide(
        self, request: HttpRequest, object_id: str, decide: Callable[[Account], ManualPayment], done: str
    ) -> HttpResponse:
        person = request.user
        assert isinstance(person, Account)
        try:
            payment = decide(person)
        except PaymentRefusedError as refused:
            self.message_user(request, f"Nothing was changed. {refused}", messages.ERROR)
        else:
            waits = " It waits for a second person's approval." if payment.state == PaymentState.REQUESTED else ""
            self.log_change(request, payment, done)
            level = messages.WARNING if waits else messages.SUCCESS
            self.message_user(request, f"{done}: {payment.kind} of {money.show(payment.amount)}.{waits}", level)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:ledger_manualpayment_change", args=[object_id])})

    def _waiting(self, request: HttpRequest, object_id: str | None) -> ManualPayment | None:
        payment: Any = self.get_object(request, object_id) if object_id else None
        return payment if payment and payment.state == PaymentState.REQUESTED else None


def _to(payment: int, word: str) -> SafeString:
    address = reverse("admin:ledger_manualpayment_change", args=[payment])
    return format_html('<a class="tp-link" href="{}">{} payment {}</a>', address, word, payment)


def _matches(term: str) -> Q:
    accounts = Account.objects.filter(email__icontains=term).values_list("pk", flat=True)[:ACCOUNTS_MAX]
    said = Q(reference__icontains=term) | Q(account__in=list(accounts))
    return said | Q(pk=int(term)) if term.isascii() and term.isdigit() and len(term) < len(str(BIGINT_MAX)) else said
