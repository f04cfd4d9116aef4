"""Orders in the back office: to watch, never to change. The engine places and moves them."""

import re
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost.accounts.models import Account
from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import (
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
    ModelAdmin,
    RadioFilter,
    RelatedDropdownFilter,
    TabularInline,
)
from tradepost.backoffice.times import DayFilter
from tradepost.database import engine_connection
from tradepost.engine import cancelling
from tradepost.engine.ledger import Kind
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.settling import Outcome, Report, settle
from tradepost.engine.statuses import CancelState, Dispatch, RefillStatus, Status
from tradepost.ledger.models import Transfer
from tradepost.orders.models import CancelRequest, DripFeed, Order, OrderEvent, Refill

DISPATCH_COLOURS = {Dispatch.SENT: "success", Dispatch.UNSURE: "danger", Dispatch.REFUSED: "danger"}
IDS_MAX = 100
ACCOUNTS_MAX = 100
LINKS_SEARCHED_MAX = 1_000_000  # of the newest orders: links have no index, so older ones are found by id or account
_IDS = re.compile(r"#?\d{1,18}(?:[\s,]+#?\d{1,18})*")
_EMAIL = re.compile(r"[^@/\s]+@[^@/\s]+")


class RefreshFilter(RadioFilter):
    """Not a filter: has the browser load the list again every so often, so that orders can be watched moving."""

    title = "reload"
    parameter_name = "reload"
    all_option = ("", "By hand")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002 - Django's
        """Offer the paces."""
        return [("5", "Every 5 seconds"), ("30", "Every 30 seconds")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Leave the list as it is."""
        return queryset


class EventInline(ReadOnly, TabularInline[OrderEvent, Order]):
    """What happened to the order."""

    model = OrderEvent
    fields = readonly_fields = ("happened", "actor", "was", "became", "note")
    verbose_name_plural = "events"
    happened = showing.time_of("at", "at", exact=True)

    @admin.display(description="from")
    def was(self, event: OrderEvent) -> SafeString:
        """Show where it stood."""
        return _standing(event.from_status, event.from_dispatch)

    @admin.display(description="to")
    def became(self, event: OrderEvent) -> SafeString:
        """Show where it went."""
        return _standing(event.to_status, event.to_dispatch)


class TransferInline(ReadOnly, TabularInline[Transfer, Order]):
    """What the order moved."""

    model = Transfer
    ordering = ("id",)
    fields = readonly_fields = ("happened", "what", "moved", "left", "actor", "note")
    happened = showing.time_of("at", "at", exact=True)

    @admin.display(description="what for")
    def what(self, transfer: Transfer) -> str:
        """Call it as a statement does."""
        return Kind(transfer.kind).label

    @showing.figure("amount")
    def moved(self, transfer: Transfer) -> str:
        """Take the customer's side: a charge is taken, a refund is given."""
        sign = "−" if transfer.kind == Kind.CHARGE else "+"
        return f"{sign}{showing.amount(transfer.amount)}"

    @showing.figure("balance after")
    def left(self, transfer: Transfer) -> str:
        """Show the customer's."""
        return showing.amount(transfer.balance_after)


@admin.register(Order)
class OrderAdmin(ReadOnly, Endless, ModelAdmin[Order]):
    """The order list, made for tables without end: newest first, counted only so far, searched by what has an index."""

    list_display = (
        "id", "account", "sold", "short_link", "quantity", "charged", "given_back",
        "status_shown", "dispatch_shown", "start_count", "remains", "created",
    )  # fmt: skip
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("dispatch", ChoicesDropdownFilter),
        ("mode", ChoicesDropdownFilter),
        ("service__category", RelatedDropdownFilter),
        ("created_at", DayFilter),
        RefreshFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("account__test_of", "service")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Order ids, an e-mail address, or part of a link"
    inlines = (EventInline, TransferInline)
    created = showing.time_of("created_at", "created")
    placed = showing.time_of("created_at", "created", exact=True)
    changed = showing.time_of("updated_at", "updated", exact=True)
    actions = ("pause", "resume")
    readonly_fields = (
        "status_shown", "dispatch_shown", "charged", "given_back", "rate_shown", "link_shown", "placed", "changed",
        "parameters", "made_of", "owner",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("id", "status_shown", "dispatch_shown"),
                    ("owner", "mode", "key"),
                    "service",
                    "link_shown",
                    "parameters",
                    "made_of",
                )
            },
        ),
        ("Progress", {"fields": (("quantity", "start_count", "remains"), ("placed", "changed"))}),
        ("Money", {"fields": (("rate_shown", "charged", "given_back"),)}),
    )

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's
        queryset: QuerySet[Order],
        search_term: str,
    ) -> tuple[QuerySet[Order], bool]:
        """Search by what the term looks like: ids, an address, or else a link or part of an address."""
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(_matches(term)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and have it loaded again if asked to."""
        response = super().changelist_view(request, extra_context)
        pace = request.GET.get(RefreshFilter.parameter_name, "")
        if pace in {"5", "30"}:
            response.headers["Refresh"] = pace
        return response

    @admin.display(description="account")
    def owner(self, order: Order) -> SafeString:
        """Show who ordered it."""
        return showing.owner(order.account)

    @admin.display(description="service")
    def sold(self, order: Order) -> SafeString:
        """Show number and name, cut to fit."""
        return showing.short(str(order.service))

    @admin.display(description="link")
    def short_link(self, order: Order) -> SafeString:
        """Show it in a line; of a subscription, whose posts it is for."""
        return showing.short_link(order.link or (order.fields or {}).get("username", showing.NOTHING))

    @admin.display(description="link")
    def link_shown(self, order: Order) -> SafeString | str:
        """Show all of it."""
        return showing.whole_link(order.link)

    @showing.figure("rate")
    def rate_shown(self, order: Order) -> str:
        """Show what 1,000 cost."""
        return showing.amount(order.rate)

    @showing.figure("charge")
    def charged(self, order: Order) -> str:
        """Show what it cost."""
        return showing.amount(order.charge)

    @showing.figure("refunded")
    def given_back(self, order: Order) -> str:
        """Show what was given back of it."""
        return showing.amount(order.refunded) if order.refunded != Decimal(0) else showing.NOTHING

    @admin.display(description="status")
    def status_shown(self, order: Order) -> SafeString:
        """Show what the customer sees."""
        return showing.status(order.status)

    @admin.display(description="dispatch")
    def dispatch_shown(self, order: Order) -> SafeString | str:
        """Show where it stands with its upstream."""
        return _dispatch(order.dispatch) or showing.NOTHING

    @admin.display(description="parameters")
    def parameters(self, order: Order) -> SafeString | str:
        """List what orders of its type take beside a link, the lines of a list below each other."""
        rows = ((name.replace("_", " "), value) for name, value in (order.fields or {}).items())
        return format_html_join("", '<dl class="tp-parameter"><dt>{}</dt><dd>{}</dd></dl>', rows) or showing.NOTHING

    @admin.display(description="runs or posts")
    def made_of(self, order: Order) -> SafeString | str:
        """Lead from a drip-feed or a subscription to the orders made for it, and back."""
        if order.parent_id:
            address = reverse("admin:orders_order_change", args=[order.parent_id])
            return format_html('Number {} of <a class="tp-link" href="{}">{}</a>', order.part, address, order.parent_id)
        if order.parts is None:
            return showing.NOTHING
        address = f"{reverse('admin:orders_order_changelist')}?parent={order.pk}"
        made = format_html('<a class="tp-link" href="{}">{} of {}</a>', address, order.made.count(), order.parts)
        dripfeed = DripFeed.objects.filter(order=order).first()
        return format_html("{}{}", made, f", {_pace(dripfeed)}" if dripfeed else "")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change orders may pause subscriptions; what is allowed decides the engine."""
        return request.user.has_perm("orders.change_order")

    @admin.action(description="Pause subscriptions", permissions=["settle"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Tell the customers that no posts are served for now."""
        self._settle(request, queryset, Status.PAUSED)

    @admin.action(description="Resume subscriptions", permissions=["settle"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Tell the customers that posts are served again."""
        self._settle(request, queryset, Status.ACTIVE)

    def _settle(self, request: HttpRequest, queryset: QuerySet[Order], status: Status) -> None:
        reports = [Report(order.pk, status) for order in queryset]
        with transaction.atomic():
            outcomes = settle(engine_connection(), reports, actor=str(request.user))
        self.message_user(request, f"{outcomes.count(Outcome.SETTLED)} moved to {status.value}.", messages.SUCCESS)


@admin.register(Refill)
class RefillAdmin(ReadOnly, Endless, ModelAdmin[Refill]):
    """Refills that customers asked for; those of services by hand are moved on here."""

    list_display = ("id", "order", "account", "status", "created", "changed")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)
    created = showing.time_of("created_at", "created")
    changed = showing.time_of("updated_at", "updated")
    actions = ("start", "complete", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change refills may move them on; what is allowed decides the engine."""
        return request.user.has_perm("orders.change_refill")

    @admin.action(description="Start", permissions=["settle"])
    def start(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that they are in progress."""
        self._settle(request, queryset, RefillStatus.IN_PROGRESS)

    @admin.action(description="Complete", permissions=["settle"])
    def complete(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that they are done."""
        self._settle(request, queryset, RefillStatus.COMPLETED)

    @admin.action(description="Reject", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Refill]) -> None:
        """Tell the customers that there will be none."""
        self._settle(request, queryset, RefillStatus.REJECTED)

    def _settle(self, request: HttpRequest, queryset: QuerySet[Refill], status: RefillStatus) -> None:
        with transaction.atomic():
            moved = settle_refills(engine_connection(), [RefillReport(refill.pk, status) for refill in queryset])
        self.message_user(request, f"{moved} moved to {status.value}.", messages.SUCCESS)


@admin.register(CancelRequest)
class CancelRequestAdmin(ReadOnly, Endless, ModelAdmin[CancelRequest]):
    """Orders under way that customers want canceled: give back what is undelivered, or let them go on."""

    list_display = ("id", "order", "account", "order_status", "remains", "state", "created", "settled")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("order", "account__test_of")
    search_fields = ("order__id",)
    search_help_text = "Order id"
    ordering = ("-id",)
    created = showing.time_of("created_at", "created")
    settled = showing.time_of("settled_at", "settled")
    actions = ("accept", "reject")

    def has_settle_permission(self, request: HttpRequest) -> bool:
        """Whoever may change cancel requests may settle them."""
        return request.user.has_perm("orders.change_cancelrequest")

    @admin.display(description="order is")
    def order_status(self, asked: CancelRequest) -> SafeString:
        """Show where the order stands."""
        return showing.status(asked.order.status)

    @showing.figure("remains")
    def remains(self, asked: CancelRequest) -> str:
        """Show how much of the order is undelivered."""
        return f"{asked.order.remains} of {asked.order.quantity}"

    @admin.action(description="Cancel the orders, give back what remains", permissions=["settle"])
    def accept(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """End the orders: Canceled if nothing was delivered, else Partial."""
        orders = [asked.order for asked in queryset.filter(state=CancelState.OPEN.value)]
        reports = [
            cancelling.accepted(each.pk, quantity=each.quantity, remains=each.remains, parts=each.parts)
            for each in orders
        ]
        with transaction.atomic():
            outcomes = settle(engine_connection(), reports, actor=str(request.user))
        self.message_user(request, f"{outcomes.count(Outcome.SETTLED)} ended.", messages.SUCCESS)

    @admin.action(description="Reject, let the orders go on", permissions=["settle"])
    def reject(self, request: HttpRequest, queryset: QuerySet[CancelRequest]) -> None:
        """Close the requests; the orders are left as they are."""
        with transaction.atomic():
            rejected = cancelling.reject(engine_connection(), [asked.pk for asked in queryset])
        self.message_user(request, f"{rejected} rejected.", messages.SUCCESS)


def _standing(status: str, dispatch: str) -> SafeString:
    return format_html("{} {}", showing.status(status), _dispatch(dispatch))


def _pace(dripfeed: DripFeed) -> str:
    due = f"the next one at {dripfeed.due_at:%Y-%m-%d %H:%M} UTC" if dripfeed.due_at else "no more to come"
    return f"every {dripfeed.interval_minutes} min, {due}"


def _dispatch(dispatch: str) -> SafeString | str:
    """Write where an order stands with its upstream; nothing if there is none."""
    if dispatch == Dispatch.NONE:
        return ""
    return showing.badge(dispatch, DISPATCH_COLOURS.get(Dispatch(dispatch), ""))


def _matches(term: str) -> Q:
    if _IDS.fullmatch(term):
        return Q(pk__in=[int(number) for number in re.findall(r"\d+", term)[:IDS_MAX]])
    accounts = list(Account.objects.filter(email__icontains=term).values_list("pk", flat=True)[:ACCOUNTS_MAX])
    if _EMAIL.fullmatch(term):
        return Q(account__in=accounts)
    newest = Order.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Q(pk__gt=newest - LINKS_SEARCHED_MAX) & (Q(link__icontains=term) | Q(account__in=accounts))
