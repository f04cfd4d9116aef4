"""What happened to an order and what it moved, beneath it."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.unfold_admin import TabularInline
from tradepost.engine.ledger import TransferKind
from tradepost.engine.statuses import Dispatch
from tradepost.ledger.models import Transfer
from tradepost.orders.event_notes import with_redacted_notes
from tradepost.orders.models import Order, OrderEvent

DISPATCH_COLOURS = {Dispatch.SENT: "success", Dispatch.UNSURE: "danger", Dispatch.REFUSED: "danger"}


def dispatch_badge(dispatch: str) -> SafeString | str:
    """Write where an order stands with its upstream; nothing if there is none."""
    if dispatch == Dispatch.NONE:
        return ""
    return formatters.badge(dispatch, DISPATCH_COLOURS.get(Dispatch(dispatch), ""))


class EventInline(ReadOnlyMixin, TabularInline[OrderEvent, Order]):
    """What happened to the order."""

    model = OrderEvent
    fields = readonly_fields = ("happened", "actor", "was", "became", "note_shown")
    verbose_name_plural = "events"
    happened = formatters.time_of("at", "at", exact=True)

    def has_view_permission(self, request: HttpRequest, obj: Order | None = None) -> bool:
        """Whoever may look at the order may look at what happened to it."""
        return request.user.has_perm("orders.view_order")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrderEvent]:
        """Leave out what providers have answered for those who may not see attempts."""
        return with_redacted_notes(
            super().get_queryset(request), with_answers=request.user.has_perm("orders.view_attempt")
        )

    @admin.display(description="note")
    def note_shown(self, event: OrderEvent) -> str:
        """Show what was said about it."""
        said: str = getattr(event, "visible_note", "")
        return said or formatters.NOTHING

    @admin.display(description="from")
    def was(self, event: OrderEvent) -> SafeString:
        """Show where it stood."""
        return _standing(event.from_status, event.from_dispatch)

    @admin.display(description="to")
    def became(self, event: OrderEvent) -> SafeString:
        """Show where it went."""
        return _standing(event.to_status, event.to_dispatch)


class TransferInline(ReadOnlyMixin, TabularInline[Transfer, Order]):
    """What the order moved."""

    model = Transfer
    ordering = ("id",)
    fields = readonly_fields = ("happened", "what", "moved", "left", "actor", "note")
    happened = formatters.time_of("at", "at", exact=True)

    @admin.display(description="what for")
    def what(self, transfer: Transfer) -> str:
        """Call it as a statement does."""
        return TransferKind(transfer.kind).label

    @formatters.figure("amount")
    def moved(self, transfer: Transfer) -> str:
        """Take the customer's side: a charge is taken, a refund is given."""
        sign = "−" if transfer.kind == TransferKind.CHARGE else "+"
        return f"{sign}{formatters.amount(transfer.amount)}"

    @formatters.figure("balance after")
    def left(self, transfer: Transfer) -> str:
        """Show the customer's."""
        return formatters.amount(transfer.balance_after)


def _standing(status: str, dispatch: str) -> SafeString:
    return format_html("{} {}", formatters.status(status), dispatch_badge(dispatch))
