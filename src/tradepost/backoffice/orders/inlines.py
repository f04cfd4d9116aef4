"""The events and transfers on an order's page."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.unfold_admin import TabularInline
from tradepost.engine.ledger import TransferKind
from tradepost.engine.statuses import Dispatch
from tradepost.ledger.models import Transfer
from tradepost.orders.event_notes import with_redacted_notes
from tradepost.orders.models import Order, OrderEvent, OrderNote
from tradepost.orders.notes import with_redacted_texts

DISPATCH_COLOURS = {Dispatch.SENT: "success", Dispatch.UNSURE: "danger", Dispatch.REFUSED: "danger"}


def dispatch_badge(dispatch: str) -> SafeString | str:
    """Show an order's dispatch state as a label; nothing if the order has no upstream."""
    if dispatch == Dispatch.NONE:
        return ""
    return formatters.badge(dispatch, DISPATCH_COLOURS.get(Dispatch(dispatch), ""))


class EventInline(ReadOnlyMixin, TabularInline[OrderEvent, Order]):
    model = OrderEvent
    fields = readonly_fields = ("happened", "actor", "was", "became", "note_shown")
    verbose_name_plural = "events"
    happened = formatters.timestamp_column("at", "at", exact=True)

    def has_view_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        """Allow users who may view orders."""
        return request.user.has_perm("orders.view_order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        """Hide providers' answers in the notes from users who may not view attempts."""
        return with_redacted_notes(
            super().get_queryset(request), with_answers=request.user.has_perm("orders.view_attempt")
        )

    @admin.display(description="note")
    def note_shown(self, event: OrderEvent) -> str:
        note: str = getattr(event, "visible_note", "")
        return note or formats.NOTHING

    @admin.display(description="from")
    def was(self, event: OrderEvent) -> SafeString:
        return _state_badges(event.from_status, event.from_dispatch)

    @admin.display(description="to")
    def became(self, event: OrderEvent) -> SafeString:
        return _state_badges(event.to_status, event.to_dispatch)


class NoteInline(ReadOnlyMixin, TabularInline[OrderNote, Order]):
    """What staff wrote about the order, the oldest first. The customer sees none of it."""

    model = OrderNote
    fields = readonly_fields = ("written", "author", "text_shown")
    verbose_name_plural = "notes of staff"
    written = formatters.timestamp_column("created_at", "at", exact=True)

    def has_view_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        """Allow users who may view orders."""
        return request.user.has_perm("orders.view_order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderNote]:
        """Hide what providers were told from users who may not write to them: it has the providers' ids."""
        return with_redacted_texts(
            super().get_queryset(request).select_related("author"),
            with_providers=request.user.has_perm("orders.tell_provider"),
        )

    @admin.display(description="note")
    def text_shown(self, note: OrderNote) -> SafeString:
        return format_html('<span class="tp-lines">{}</span>', getattr(note, "visible_text", ""))


class TransferInline(ReadOnlyMixin, TabularInline[Transfer, Order]):
    model = Transfer
    ordering = ("id",)
    fields = readonly_fields = ("happened", "what", "moved", "left", "actor", "note")
    happened = formatters.timestamp_column("at", "at", exact=True)

    @admin.display(description="what for")
    def what(self, transfer: Transfer) -> str:
        return TransferKind(transfer.kind).label

    @formatters.numeric_column("amount")
    def moved(self, transfer: Transfer) -> SafeString:
        """Show the amount as the customer sees it: a charge is negative, a refund positive."""
        is_charge = transfer.kind == TransferKind.CHARGE
        return formatters.signed_money(-transfer.amount if is_charge else transfer.amount)

    @formatters.numeric_column("balance after")
    def left(self, transfer: Transfer) -> SafeString:
        """Show the customer's balance."""
        return formatters.money(transfer.balance_after)


def _state_badges(status: str, dispatch: str) -> SafeString:
    return format_html("{} {}", formatters.status_badge(status), dispatch_badge(dispatch))
