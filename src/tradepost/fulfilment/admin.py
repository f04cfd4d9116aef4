"""Orders on their way to providers, in the back office: the evidence, and what only a person can settle."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import (
    DialogForm,
    ModelAdmin,
    RadioFilter,
    RelatedDropdownFilter,
    StackedInline,
    TextWidget,
    dialog_button,
)
from tradepost.database import engine_connection
from tradepost.engine import dispatching, orders
from tradepost.engine.settling import Outcome, Report, settle
from tradepost.engine.statuses import Dispatch, Status
from tradepost.orders.admin import DISPATCH_COLOURS, OrderAdmin
from tradepost.orders.models import Attempt, Order, UpstreamOrder

FOR_A_PERSON = (Dispatch.UNSURE.value, Dispatch.REFUSED.value)
NOT_SETTLED = "Nothing was changed: meanwhile the order has moved on."


class AttemptInline(ReadOnly, StackedInline[Attempt, Order]):
    """Each try to place the order with a provider: what was asked, what was answered, and when."""

    model = Attempt
    verbose_name_plural = "attempts at providers"
    asked_exactly = showing.time_of("at", "asked at", exact=True)
    answered_exactly = showing.time_of("answered_at", "answered at", exact=True)
    readonly_fields = ("state_shown", "asked_exactly", "answered_exactly", "asked_shown", "answer_shown", "cost_shown")
    fields = (
        ("provider", "state_shown"), ("provider_service", "quantity"), ("upstream_id", "cost_shown"),
        ("asked_exactly", "answered_exactly"), "asked_shown", "answer_shown",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Take along whom it was tried with."""
        return super().get_queryset(request).select_related("provider", "provider_service__provider")

    @admin.display(description="state")
    def state_shown(self, attempt: Attempt) -> SafeString:
        """Show what came of it."""
        return _state(attempt.state)

    @showing.figure("cost")
    def cost_shown(self, attempt: Attempt) -> str:
        """Show what it costs there, in our currency."""
        return showing.amount(attempt.cost)

    @admin.display(description="request")
    def asked_shown(self, attempt: Attempt) -> SafeString | str:
        """List what was asked, but for the key."""
        rows = (attempt.request or {}).items()
        return format_html_join("", '<dl class="tp-parameter"><dt>{}</dt><dd>{}</dd></dl>', rows) or showing.NOTHING

    @admin.display(description="answer")
    def answer_shown(self, attempt: Attempt) -> SafeString | str:
        """Show what came back, or what went wrong instead."""
        return (
            format_html('<pre class="tp-evidence">{}</pre>', attempt.response) if attempt.response else showing.NOTHING
        )


class FoundForm(DialogForm):
    """By which id the provider knows the order."""

    upstream_id = forms.CharField(label="Its id there", max_length=64, widget=TextWidget)


admin.site.unregister(Order)


@admin.register(Order)
class SentOrderAdmin(OrderAdmin):
    """Orders, with what was tried at providers, and with what a person settles of those that are unsure or held."""

    actions_detail = ("found", "send_again", "cancel")

    def get_inlines(self, request: HttpRequest, obj: Order | None) -> Any:
        """Show attempts of what goes to providers."""
        inlines = super().get_inlines(request, obj)
        is_upstream = obj is not None and obj.dispatch not in {Dispatch.NONE, Dispatch.SIMULATED, Dispatch.RUNS}
        return (AttemptInline, *inlines) if is_upstream else inlines

    def has_evidence_permission(self, request: HttpRequest) -> bool:
        """Without what was asked and answered it is a guess, and a wrong one buys twice."""
        return self.has_settle_permission(request) and request.user.has_perm("orders.view_attempt")

    def has_find_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change orders and sees the evidence may say where an unsure one is."""
        return self.has_evidence_permission(request) and _is_in(object_id, [Dispatch.UNSURE.value])

    def has_decide_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Whoever may change orders and sees the evidence may say what becomes of one that is unsure or held."""
        return self.has_evidence_permission(request) and _is_in(object_id, FOR_A_PERSON)

    @dialog_button(
        "It exists, its id is …",
        permission="find",
        title="Does the order exist at its provider?",
        text="Look for it in the provider's own list of orders. It is followed there from now on.",
        form=FoundForm,
    )
    def found(self, request: HttpRequest, form: FoundForm, object_id: str) -> HttpResponse:
        """Take the order for sent."""
        upstream_id = form.cleaned_data["upstream_id"]
        with transaction.atomic():
            done = dispatching.found(engine_connection(), int(object_id), upstream_id, actor=str(request.user))
        failed = f"{NOT_SETTLED[:-1]}, or another order of ours has the id {upstream_id} there."
        return self._tell(request, object_id, f"It is followed as {upstream_id}." if done else "", failed)

    @dialog_button(
        "It does not exist, send it",
        permission="decide",
        title="Send the order again?",
        text="Only if it is not in the provider's own list of orders: otherwise it is bought twice.",
    )
    def send_again(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:  # noqa: ARG002
        """Queue the order."""
        with transaction.atomic():
            done = dispatching.send_again(engine_connection(), int(object_id), actor=str(request.user))
        return self._tell(request, object_id, "It is queued, and sent by the next free worker." if done else "")

    @dialog_button(
        "Cancel and refund",
        permission="decide",
        title="Cancel the order and give its charge back?",
        text="Its customer gets back all that is left of the charge. If it exists there, it is delivered all the same.",
        danger=True,
    )
    def cancel(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:  # noqa: ARG002
        """End the order."""
        report = Report(int(object_id), Status.CANCELED, note="canceled by a person")
        with transaction.atomic():
            # Locked first, then looked at: somebody else may have settled it since the page was shown.
            orders.lock(engine_connection(), [report.order])
            is_open = _is_in(object_id, FOR_A_PERSON)
            outcomes = settle(engine_connection(), [report], actor=str(request.user)) if is_open else []
        return self._tell(
            request, object_id, "It is canceled, its money given back." if Outcome.SETTLED in outcomes else ""
        )

    def _tell(self, request: HttpRequest, order: str, done: str, failed: str = NOT_SETTLED) -> HttpResponse:
        self.message_user(request, done or failed, messages.SUCCESS if done else messages.ERROR)
        return HttpResponse(headers={"HX-Redirect": reverse("admin:orders_order_change", args=[order])})


class StateFilter(RadioFilter):
    """Unsure, or refused and held."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's
        """Offer both."""
        return [(Dispatch.UNSURE.value, "Unsure"), (Dispatch.REFUSED.value, "Refused, held")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Narrow the list down."""
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(UpstreamOrder)
class UpstreamOrderAdmin(ReadOnly, Endless, ModelAdmin[UpstreamOrder]):
    """Orders that wait for a person: it is unsure whether they exist, or every provider has refused them."""

    list_display = ("number", "state_shown", "provider", "sold", "short_link", "quantity_shown", "asked", "answer")
    list_filter = (StateFilter, ("provider", RelatedDropdownFilter))
    list_fullwidth = True
    list_select_related = ("provider", "order__service")
    list_display_links = None
    sortable_by = ()
    ordering = ("order",)
    search_fields = ("=order__id",)
    search_help_text = "Order id"
    asked = showing.time_of("asked_at", "asked")

    def get_queryset(self, request: HttpRequest) -> QuerySet[UpstreamOrder]:
        """Leave out what goes its way, and say along what was answered last."""
        last = Attempt.objects.filter(order=OuterRef("pk")).order_by("-number")
        waiting = super().get_queryset(request).filter(state__in=FOR_A_PERSON)
        return waiting.annotate(
            asked_at=Subquery(last.values("at")[:1]), answered=Subquery(last.values("response")[:1])
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Call the list what it is."""
        return super().changelist_view(request, {"title": "Unsure and held orders", **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Lead to the order, whose page has the evidence and the buttons."""
        order = self.get_object(request, object_id)
        if order is None or not self.has_view_permission(request, order):
            return super().change_view(request, object_id)
        return redirect("admin:orders_order_change", order.pk)

    @admin.display(description="order")
    def number(self, order: UpstreamOrder) -> SafeString:
        """Lead to its page."""
        address = reverse("admin:orders_order_change", args=[order.pk])
        return format_html('<a class="tp-link" href="{}">{}</a>', address, order.pk)

    @admin.display(description="state")
    def state_shown(self, order: UpstreamOrder) -> SafeString:
        """Show why it is here."""
        return _state(order.state)

    @admin.display(description="service")
    def sold(self, order: UpstreamOrder) -> SafeString:
        """Show what was ordered."""
        return showing.short(str(order.order.service))

    @admin.display(description="link")
    def short_link(self, order: UpstreamOrder) -> SafeString:
        """Show for what."""
        return showing.short_link(order.order.link)

    @showing.figure("quantity")
    def quantity_shown(self, order: UpstreamOrder) -> str:
        """Show how many."""
        return f"{order.order.quantity:,}"

    @admin.display(description="answer")
    def answer(self, order: UpstreamOrder) -> SafeString | str:
        """Show what came back last, cut to fit."""
        answer: str = getattr(order, "answered", "") or ""
        return showing.short(answer) if answer else showing.NOTHING


def _state(state: str) -> SafeString:
    return showing.badge(state, DISPATCH_COLOURS.get(Dispatch(state), ""))


def _is_in(order: str | None, states: Sequence[str]) -> bool:
    return bool(order) and UpstreamOrder.objects.filter(pk=int(str(order)), state__in=states).exists()
