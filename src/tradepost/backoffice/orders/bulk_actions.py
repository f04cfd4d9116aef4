"""Bulk actions in the back office: previewed, confirmed, watched while they run, and kept afterwards."""

from typing import Any

import msgspec
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.audit import actions
from tradepost.backoffice.orders.list_actions import may_start
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.fresh_sign_in import require
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    CheckboxWidget,
    ChoicesDropdownFilter,
    IntegerWidget,
    ModelAdmin,
    TextWidget,
)
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.fulfilment.tasks import bulk_actions
from tradepost.ledger.models import REASON_CHARS_MAX
from tradepost.orders import notes
from tradepost.orders.bulk_action_types import TEXT_CHARS_MAX, BulkActionKind, BulkActionState, BulkOptions, BulkOutcome
from tradepost.orders.bulk_actions import lifecycle
from tradepost.orders.models import BulkAction, BulkOrder

STATE_COLOURS = {BulkActionState.RUNNING: "info", BulkActionState.DONE: "success", BulkActionState.STOPPED: "warning"}
OUTCOME_COLOURS = {BulkOutcome.SKIPPED: "warning", BulkOutcome.FAILED: "danger"}
LEFT_ALONE_A_PAGE = 50
MESSAGE_CHARS_MAX = 1_000
MOVES_MONEY = frozenset({BulkActionKind.CANCEL, BulkActionKind.PARTIAL, BulkActionKind.COMPLETE})


class OptionsForm(forms.Form):
    """The options of a bulk action. Most kinds have none."""

    def options(self) -> BulkOptions:
        given = {name: value for name, value in self.cleaned_data.items() if value not in (None, "", False)}
        return BulkOptions(**given)


class DeliveredForm(OptionsForm):
    """Whether to refund orders that were delivered, too. That is unusual and needs a reason (decision 63)."""

    with_delivered = forms.BooleanField(
        label="Refund delivered orders, too",
        required=False,
        widget=CheckboxWidget,
        help_text="Orders that are Completed or Partial. What is refunded counts against your role's payment limit.",
    )
    reason = forms.CharField(
        required=False,
        max_length=REASON_CHARS_MAX,
        widget=TextWidget,
        label="Why refund delivered orders?",
        help_text="For staff only: it becomes a note on each of these orders.",
    )

    def clean(self) -> dict[str, Any]:
        """Require the reason if delivered orders are included."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("with_delivered") and not cleaned.get("reason"):
            self.add_error("reason", "Say why delivered orders are refunded.")
        return cleaned


class MessageForm(OptionsForm):
    """What to ask the provider. Its own ids of the orders follow, each with service and link."""

    text = forms.CharField(max_length=MESSAGE_CHARS_MAX, widget=TextWidget, label="What to ask", initial=notes.PLEASE)


class RemainsForm(DeliveredForm):
    """How much of each order is undelivered, and so refunded."""

    remains = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=BIGINT_MAX,
        widget=IntegerWidget,
        help_text="The same for every order. Empty: each order's own remains.",
    )
    field_order = ("remains", "with_delivered", "reason")


class LinkForm(OptionsForm):
    """What to replace in the links."""

    find = forms.CharField(
        required=False,
        max_length=TEXT_CHARS_MAX,
        strip=True,
        widget=TextWidget,
        label="Replace",
        help_text="Part of the link to replace. Empty: the whole link.",
    )
    link = forms.CharField(max_length=TEXT_CHARS_MAX, widget=TextWidget, label="By")


OPTIONS_FORMS: dict[BulkActionKind, type[OptionsForm]] = {
    BulkActionKind.CANCEL: DeliveredForm,
    BulkActionKind.PARTIAL: RemainsForm,
    BulkActionKind.TELL_PROVIDER: MessageForm,
    BulkActionKind.EDIT_LINK: LinkForm,
}


# What a preview shows before any options are typed. The action on links has none that make sense.
FIRST_OPTIONS: dict[BulkActionKind, dict[str, str]] = {
    kind: {"text": notes.PLEASE} if kind is BulkActionKind.TELL_PROVIDER else {}
    for kind in BulkActionKind
    if kind is not BulkActionKind.EDIT_LINK
}


@register(BulkAction)
class BulkActionAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[BulkAction]):
    """The bulk actions: who started each, and what became of its orders."""

    list_display = ("id", "what", "created_by", "state_shown", "total_shown", "done_shown", "left_alone", "created")
    list_filter = (("kind", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("created_by",)
    sortable_by = ()
    ordering = ("-id",)
    created = formatters.timestamp_column("created_at", "created")

    def has_view_permission(self, request: HttpRequest, obj: BulkAction | None = None) -> bool:
        """Allow users who may start bulk actions."""
        return request.user.has_perm("orders.change_order")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @admin.display(description="what")
    def what(self, action: BulkAction) -> str:
        return BulkActionKind(action.kind).label

    @admin.display(description="state")
    def state_shown(self, action: BulkAction) -> SafeString:
        return formatters.badge(action.state, STATE_COLOURS.get(BulkActionState(action.state), ""))

    @formatters.numeric_column("orders")
    def total_shown(self, action: BulkAction) -> str:
        return formats.whole(action.total)

    @formatters.numeric_column("done")
    def done_shown(self, action: BulkAction) -> str:
        return formats.whole(action.done)

    @formatters.numeric_column("left alone")
    def left_alone(self, action: BulkAction) -> str:
        """Show how many orders were skipped or failed."""
        return formats.whole(action.skipped + action.failed)

    def get_urls(self) -> list[URLPattern]:
        progress = self.admin_site.admin_view(self.progress)
        return [path("<int:pk>/progress/", progress, name="orders_bulkaction_progress"), *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """Show the preview, the progress or the outcome. A POST confirms or stops the action."""
        action = self._action(request, object_id)
        if request.method == "POST":
            return self._decide(request, action)
        context = {**self.admin_site.each_context(request), "title": str(action), "opts": self.opts}
        return TemplateResponse(
            request, "backoffice/orders/bulk_action.html", {**context, **_page_context(request, action)}
        )

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the progress: a part of the page, which the page loads again and again."""
        action = self._action(request, str(pk))
        return TemplateResponse(request, "backoffice/orders/bulk_progress.html", _page_context(request, action))

    def _action(self, request: HttpRequest, object_id: str) -> BulkAction:
        if not self.has_view_permission(request):
            raise PermissionDenied
        action = self.get_object(request, object_id)
        if action is None:
            raise Http404
        return action

    def _decide(self, request: HttpRequest, action: BulkAction) -> HttpResponse:
        if "stop" in request.POST:
            if lifecycle.stop(action.pk):
                _note_in_audit_log(action, {"done": "stop"})
                self.message_user(request, "Nothing more is done. What was done by then stays done.")
            return redirect("admin:orders_bulkaction_change", action.pk)
        form = OPTIONS_FORMS.get(BulkActionKind(action.kind), OptionsForm)(request.POST)
        if action.created_by_id != request.user.pk:
            raise PermissionDenied  # only the user who saw the preview may confirm it
        if not form.is_valid():
            return redirect("admin:orders_bulkaction_change", action.pk)
        _ask_who_it_is(request, form)
        with transaction.atomic():
            is_begun = lifecycle.confirm(action, form.options())
            if is_begun:
                bulk_actions.defer_bulk_action(action.pk)
                _note_in_audit_log(
                    action, {"done": action.kind, "orders": action.total, **msgspec.to_builtins(form.options())}
                )
        if not is_begun:
            self.message_user(request, "It was confirmed before.", messages.WARNING)
        return redirect("admin:orders_bulkaction_change", action.pk)


def _note_in_audit_log(action: BulkAction, done: dict[str, Any]) -> None:
    actions.log_action("orders.bulkaction", action.pk, str(action), done)


def _page_context(request: HttpRequest, action: BulkAction) -> dict[str, Any]:
    context = {
        "action": action,
        "kind": BulkActionKind(action.kind),
        "state": formatters.badge(action.state, STATE_COLOURS.get(BulkActionState(action.state), "")),
        "is_running": action.state == BulkActionState.RUNNING,
        "percent": 100 * action.worked_on // max(action.total, 1),
        "waiting": action.total - action.worked_on,
    }
    return context | (
        _preview_context(request, action)
        if action.state == BulkActionState.DRAFT
        else _outcome_context(request, action)
    )


def _ask_who_it_is(request: HttpRequest, form: OptionsForm) -> None:
    """Take a fresh sign-in for a refund of what was delivered, as the order's page does: it counts as a payment.

    The preview asks first, whose address has all that was typed.
    """
    if form.options().with_delivered:
        require(request)


def _preview_context(request: HttpRequest, action: BulkAction) -> dict[str, Any]:
    kind = BulkActionKind(action.kind)
    form_class = OPTIONS_FORMS.get(kind, OptionsForm)
    form = form_class(request.GET or FIRST_OPTIONS.get(kind))
    if form.is_valid():
        _ask_who_it_is(request, form)
    preview = lifecycle.preview(action, form.options()) if form.is_valid() else None
    return {
        "form": form,
        "asks": kind in OPTIONS_FORMS,
        "preview": preview,
        "moves_money": kind in MOVES_MONEY,
        "delivered_refund": formatters.money(preview.delivered_refund) if preview else "",
        "left_alone": action.total - preview.due if preview else 0,
        "refund": formatters.money(preview.refund) if preview else "",
        "statuses": [(formatters.status_badge(status), count) for status, count in preview.statuses.items()]
        if preview
        else [],
        "is_mine": action.created_by_id == request.user.pk,
    }


def _outcome_context(request: HttpRequest, action: BulkAction) -> dict[str, Any]:
    left_alone = BulkOrder.objects.filter(
        action=action, outcome__in=[BulkOutcome.SKIPPED.value, BulkOutcome.FAILED.value]
    )
    page = Paginator(left_alone, LEFT_ALONE_A_PAGE).get_page(request.GET.get("p"))
    return {
        "left": [(row, formatters.badge(row.outcome, OUTCOME_COLOURS[BulkOutcome(row.outcome)])) for row in page],
        "page": page,
        "options": lifecycle.options_of(action),
        "provider_messages": _provider_messages(request, action),
    }


def _provider_messages(request: HttpRequest, action: BulkAction) -> list[notes.ProviderMessage]:
    """Return the messages to copy, once the action has ended, for users who may write to providers."""
    kind = BulkActionKind(action.kind)
    is_over = action.state in {BulkActionState.DONE, BulkActionState.STOPPED}
    if kind is not BulkActionKind.TELL_PROVIDER or not is_over or not may_start(request, kind):
        return []
    done = BulkOrder.objects.filter(action=action, outcome=BulkOutcome.DONE.value).values_list("order_id", flat=True)
    return notes.provider_messages(list(done), lifecycle.options_of(action).text)
