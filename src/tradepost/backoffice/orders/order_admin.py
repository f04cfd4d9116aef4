"""Orders in the back office, read-only. Only the engine places and changes orders."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.orders import columns, csv_export, search_window
from tradepost.backoffice.orders.action_buttons import ActionButtonsMixin
from tradepost.backoffice.orders.attempts import AttemptInline
from tradepost.backoffice.orders.changelist import OrderChangeList, search_condition
from tradepost.backoffice.orders.filters import (
    BeforeFilter,
    IdsFilter,
    LinkFilter,
    PlayFilter,
    ProviderFilter,
    RefreshFilter,
    UpstreamFilter,
)
from tradepost.backoffice.orders.inlines import EventInline, NoteInline, TransferInline, dispatch_badge
from tradepost.backoffice.orders.list_actions import BulkActionsMixin
from tradepost.backoffice.orders.search_window import EXPORT_URL_NAME
from tradepost.backoffice.orders.settle_buttons import SettleButtonsMixin
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import IdPaginator, UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    AutocompleteSelectFilter,
    ChoicesCheckboxFilter,
    ChoicesDropdownFilter,
    ModelAdmin,
    RelatedDropdownFilter,
)
from tradepost.engine.statuses import Dispatch
from tradepost.orders.models import DripFeed, Order

# Numbers of the model, in the list with thousands separators.
GROUPED_COLUMNS = {name: f"{name}_shown" for name in ("quantity", "start_count", "remains")}


@register(Order)
class OrderAdmin(
    ReadOnlyMixin, SettleButtonsMixin, ActionButtonsMixin, BulkActionsMixin, UncountedListMixin, ModelAdmin[Order]
):
    """The order list, for tables of any size: newest first, counted up to a limit, searched by indexed columns."""

    paginator = IdPaginator  # type: ignore[misc] # UncountedListMixin and Django declare it differently
    list_before_template = "backoffice/orders/order_tools.html"
    list_filter = (
        IdsFilter,
        LinkFilter,
        ("account", AutocompleteSelectFilter),
        ("service", AutocompleteSelectFilter),
        ("status", ChoicesCheckboxFilter),
        ("dispatch", ChoicesDropdownFilter),
        ("created_at", DayFilter),
        ("mode", ChoicesDropdownFilter),
        ("service__category", RelatedDropdownFilter),
        PlayFilter,
        RefreshFilter,
        BeforeFilter,
    )
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("account__test_of", "service__category")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Order ids, an e-mail address, or part of a link"
    inlines = (NoteInline, EventInline, TransferInline)
    actions_detail = (
        "found",
        "send_again",
        "send_elsewhere",
        "set_partial",
        "cancel",
        "refill",
        "complete",
        "partial_now",
        "cancel_now",
        "write_note",
        {
            "title": "More",
            "items": [
                "set_counts", "edit_link", "resend", "tell_provider", "as_customer", "refund_delivered",
            ],
        },
    )  # fmt: skip
    quantity_shown = formatters.count_column("quantity", "quantity")
    start_count_shown = formatters.count_column("start_count", "start count")
    remains_shown = formatters.count_column("remains", "remains")
    created = formatters.timestamp_column("created_at", "created")
    placed = formatters.timestamp_column("created_at", "created", exact=True)
    updated = formatters.timestamp_column("updated_at", "updated")
    changed = formatters.timestamp_column("updated_at", "updated", exact=True)
    readonly_fields = (
        "status_shown", "dispatch_shown", "charged", "given_back", "rate_shown", "link_shown", "placed", "changed",
        "parameters", "made_of", "owner", "quantity_shown", "start_count_shown", "remains_shown",
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
        ("Progress", {"fields": (("quantity_shown", "start_count_shown", "remains_shown"), ("placed", "changed"))}),
        ("Money", {"fields": (("rate_shown", "charged", "given_back"),)}),
    )

    class Media:
        js = ("backoffice/orders.js",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OrderChangeList]:
        return OrderChangeList

    def get_inlines(self, request: HttpRequest, obj: Order | None) -> Any:
        """Show attempts only on orders that go to a provider."""
        inlines = super().get_inlines(request, obj)
        is_upstream = obj is not None and obj.dispatch not in {Dispatch.NONE, Dispatch.SIMULATED, Dispatch.RUNS}
        return (AttemptInline, *inlines) if is_upstream else inlines

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return [GROUPED_COLUMNS.get(name, name) for name in columns.chosen_columns(request)]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Add the filters by provider for users who may view providers."""
        filters = list(super().get_list_filter(request))
        if request.user.has_perm("providers.view_provider"):
            filters[2:2] = [UpstreamFilter, ProviderFilter]
        return filters

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Order],
        search_term: str,
    ) -> tuple[QuerySet[Order], bool]:
        """Search as `search_condition` describes."""
        term = search_term.strip()
        return (queryset.filter(search_condition(term)) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, whose rows are fetched again and again if the user chose that."""
        chosen = columns.chosen_columns(request)
        context = {
            "columns": [(name, title, name in chosen) for name, title in columns.available_columns(request).items()],
            "refresh_seconds": pace if (pace := request.GET.get(RefreshFilter.parameter_name)) in {"5", "30"} else "",
            "may_export": request.user.has_perm("orders.export_order"),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def get_urls(self) -> list[URLPattern]:
        admin_view = self.admin_site.admin_view
        return [
            path("columns/", admin_view(self.choose_columns), name="orders_order_columns"),
            path("export/", admin_view(self.export), name=EXPORT_URL_NAME),
            *super().get_urls(),
        ]

    def choose_columns(self, request: HttpRequest) -> HttpResponse:
        """Save the ticked columns and redirect to the list as it was."""
        if request.method != "POST" or not self.has_view_permission(request):
            raise PermissionDenied
        columns.save_columns(request, request.POST.getlist("columns"))
        return redirect(f"{reverse('admin:orders_order_changelist')}?{request.POST.get('list', '').removeprefix('?')}")

    def export(self, request: HttpRequest) -> HttpResponseBase:
        """Export all orders that the filters find, however old."""
        if not request.user.has_perm("orders.export_order") or not self.has_view_permission(request):
            raise PermissionDenied
        return csv_export.export_response(
            request, self.get_changelist_instance(request).queryset, search_window.export_windows(request)
        )

    @admin.display(description="account")
    def owner(self, order: Order) -> SafeString | str:
        return links.account_link(order.account)

    @admin.display(description="service")
    def sold(self, order: Order) -> SafeString:
        return formatters.truncated(str(order.service))

    @admin.display(description="link")
    def short_link(self, order: Order) -> SafeString:
        """Show the link in one line. Of a subscription, show its username."""
        return formatters.short_link(order.link or (order.fields or {}).get("username", formats.NOTHING))

    @admin.display(description="link")
    def link_shown(self, order: Order) -> SafeString | str:
        return formatters.full_link(order.link)

    @formatters.numeric_column("rate")
    def rate_shown(self, order: Order) -> SafeString:
        return formatters.rate(order.rate)

    @formatters.numeric_column("charge")
    def charged(self, order: Order) -> SafeString:
        return formatters.money(order.charge)

    @formatters.numeric_column("refunded")
    def given_back(self, order: Order) -> SafeString | str:
        return formatters.money(order.refunded) if order.refunded != Decimal(0) else formats.NOTHING

    @admin.display(description="status")
    def status_shown(self, order: Order) -> SafeString:
        return formatters.status_badge(order.status)

    @admin.display(description="dispatch")
    def dispatch_shown(self, order: Order) -> SafeString | str:
        return dispatch_badge(order.dispatch) or formats.NOTHING

    @admin.display(description="category")
    def category(self, order: Order) -> SafeString:
        return formatters.truncated(str(order.service.category))

    @admin.display(description="provider")
    def provider(self, order: Order) -> str:
        """Show the provider of the last attempt."""
        return getattr(order, "last_provider", None) or formats.NOTHING

    @admin.display(description="provider's id")
    def upstream_id(self, order: Order) -> str:
        """Show the order's id at the provider of the last attempt."""
        return getattr(order, "last_upstream_id", None) or formats.NOTHING

    @admin.display(description="parameters")
    def parameters(self, order: Order) -> SafeString | str:
        """Show the parameters of the order's type, other than the link."""
        rows = ((name.replace("_", " "), value) for name, value in (order.fields or {}).items())
        return format_html_join("", '<dl class="tp-parameter"><dt>{}</dt><dd>{}</dd></dl>', rows) or formats.NOTHING

    @admin.display(description="runs or posts")
    def made_of(self, order: Order) -> SafeString | str:
        """Link a drip-feed or a subscription to its child orders, and a child order to its parent."""
        if order.parent_id:
            address = reverse("admin:orders_order_change", args=[order.parent_id])
            return format_html('Number {} of <a class="tp-link" href="{}">{}</a>', order.part, address, order.parent_id)
        if order.parts is None:
            return formats.NOTHING
        address = f"{reverse('admin:orders_order_changelist')}?parent={order.pk}"
        child_orders = format_html(
            '<a class="tp-link" href="{}">{} of {}</a>',
            address,
            formats.whole(order.children.count()),
            formats.whole(order.parts),
        )
        dripfeed = DripFeed.objects.filter(order=order).first()
        return format_html("{}, {}", child_orders, _drip_feed_pace(dripfeed)) if dripfeed else child_orders


def _drip_feed_pace(dripfeed: DripFeed) -> SafeString:
    pace = formats.duration(timedelta(minutes=dripfeed.interval_minutes))
    if dripfeed.due_at is None:
        return format_html("every {}, no more to come", pace)
    return format_html("every {}, the next one at {}", pace, formats.moment_html(dripfeed.due_at))
