"""The buttons of an order that only a person can settle: unsure, refused everywhere, or its status is not clear."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from tradepost.backoffice.ui.unfold_admin import DialogForm, IntegerWidget, TextWidget, dialog_button
from tradepost.database import engine_connection
from tradepost.engine import dispatching, orders, rerouting
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.engine.settling import Report, SettleResult, settle
from tradepost.engine.statuses import Dispatch, Status
from tradepost.orders.models import UpstreamOrder

if TYPE_CHECKING:
    from tradepost.backoffice.ui.unfold_admin import ModelAdmin

    Base = ModelAdmin[Any]
else:
    Base = object

UNSETTLED_STATES = (Dispatch.UNSURE.value, Dispatch.REFUSED.value)
NOT_SETTLED = "Nothing was changed: meanwhile the order has moved on."


class UpstreamIdForm(DialogForm):
    """The order's id at its provider."""

    upstream_id = forms.CharField(label="Provider's id", max_length=64, widget=TextWidget)


class RemainsForm(DialogForm):
    """How much of an order is not delivered."""

    remains = forms.IntegerField(min_value=0, max_value=BIGINT_MAX, widget=IntegerWidget)


class SettleButtonsMixin(Base):
    """Adds the buttons that settle unsure and held orders to the order page."""

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Allow users who may change orders. The engine decides which moves are allowed."""
        return request.user.has_perm("orders.change_order")

    def has_evidence_permission(self, request: HttpRequest) -> bool:
        """Require the attempts to be visible too: a wrong guess without them buys the order twice."""
        return self.has_settle_permission(request) and request.user.has_perm("orders.view_attempt")

    def has_find_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who see the evidence to say where an unsure order is."""
        return self.has_evidence_permission(request) and is_in_state(object_id, [Dispatch.UNSURE.value])

    def has_review_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who see the evidence to end an order whose status its provider does not make clear."""
        return self.has_evidence_permission(request) and needs_review(object_id)

    def has_divert_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who see the evidence to send a held order by another route."""
        return self.has_evidence_permission(request) and is_in_state(object_id, [Dispatch.REFUSED.value])

    def has_end_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who see the evidence to cancel an order that waits for a person."""
        return self.has_decide_permission(request, object_id) or self.has_review_permission(request, object_id)

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who see the evidence to send or cancel an unsure or held order."""
        return self.has_evidence_permission(request) and is_in_state(object_id, UNSETTLED_STATES)

    @dialog_button(
        "Provider has it (enter id)",
        permission="find",
        title="Does the order exist at its provider?",
        text="Look for it in the provider's own list of orders. It is followed there from now on.",
        form=UpstreamIdForm,
    )
    def found(self, request: HttpRequest, form: UpstreamIdForm, object_id: str) -> HttpResponse:
        """Record the order as sent, with this id at the provider."""
        upstream_id = form.cleaned_data["upstream_id"]
        with transaction.atomic():
            done = dispatching.confirm_sent(engine_connection(), int(object_id), upstream_id, actor=str(request.user))
        failed = f"{NOT_SETTLED[:-1]}, or another order of ours has the id {upstream_id} there."
        return self._redirect_with_result(
            request, object_id, f"It is followed as {upstream_id}." if done else "", failed
        )

    @dialog_button(
        "Provider doesn't have it: resend",
        permission="decide",
        title="Send the order again?",
        text="Only if it is not in the provider's own list of orders: otherwise it is bought twice.",
    )
    def send_again(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        with transaction.atomic():
            done = dispatching.send_again(engine_connection(), int(object_id), actor=str(request.user))
        return self._redirect_with_result(
            request, object_id, "It is queued, and sent by the next free worker." if done else ""
        )

    @dialog_button(
        "Send by another route",
        permission="divert",
        title="Send the order by another route?",
        text="It goes to the first route of its service that is open and has not refused it for good.",
    )
    def send_elsewhere(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        with transaction.atomic():
            done = rerouting.send_elsewhere(engine_connection(), [int(object_id)], actor=str(request.user))
        return self._redirect_with_result(
            request,
            object_id,
            "It is queued for another route." if done else "",
            "Its service has no other open route.",
        )

    @dialog_button(
        "Set partial (enter remains)",
        permission="review",
        title="How much of the order is not delivered?",
        text="Look in the provider's own list of orders. The customer gets back the charge of what remains.",
        form=RemainsForm,
    )
    def set_partial(self, request: HttpRequest, form: RemainsForm, object_id: str) -> HttpResponse:
        report = Report(int(object_id), Status.PARTIAL, remains=form.cleaned_data["remains"], note="set by a person")
        with transaction.atomic():
            orders.lock(engine_connection(), [report.order])
            is_open = needs_review(object_id)
            outcomes = settle(engine_connection(), [report], actor=str(request.user)) if is_open else []
        done = "It is partial; what remains is refunded." if SettleResult.SETTLED in outcomes else ""
        return self._redirect_with_result(request, object_id, done)

    @dialog_button(
        "Cancel and refund",
        permission="end",
        title="Cancel the order and give its charge back?",
        text="Its customer gets back all that is left of the charge. If it exists there, it is delivered all the same.",
        danger=True,
    )
    def cancel(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        report = Report(int(object_id), Status.CANCELED, note="canceled by a person")
        with transaction.atomic():
            # Lock, then check: another user may have settled the order since the page was shown.
            orders.lock(engine_connection(), [report.order])
            is_open = is_in_state(object_id, UNSETTLED_STATES) or needs_review(object_id)
            outcomes = settle(engine_connection(), [report], actor=str(request.user)) if is_open else []
        return self._redirect_with_result(
            request, object_id, "Canceled and refunded." if SettleResult.SETTLED in outcomes else ""
        )

    def _redirect_with_result(
        self, request: HttpRequest, order: str, done: str, failed: str = NOT_SETTLED
    ) -> HttpResponse:
        self.message_user(request, done or failed, messages.SUCCESS if done else messages.ERROR)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_order_change", args=[order])})


def needs_review(order: str | None) -> bool:
    """Return whether the order is at a provider that does not make its status clear."""
    at_provider = UpstreamOrder.objects.filter(state=Dispatch.SENT.value).exclude(review_reason="")
    return bool(order) and at_provider.filter(pk=int(str(order))).exists()


def is_in_state(order: str | None, states: Sequence[str]) -> bool:
    """Return whether the order is at a provider in one of these states."""
    return bool(order) and UpstreamOrder.objects.filter(pk=int(str(order)), state__in=states).exists()
