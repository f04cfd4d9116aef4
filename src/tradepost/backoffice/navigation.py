"""The back office's frame: name, colours and the way around. Settings import it as `UNFOLD`."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

PAYING = ("ledger.top_up_account", "ledger.correct_balance", "ledger.approve_payment")

type _Item = dict[str, Any]


def _file(name: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(name)  # noqa: ARG005 - Unfold gives the request


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _panel_name(request: HttpRequest) -> str:
    from tradepost.site_settings import effective  # noqa: PLC0415 - the settings that import this are not there yet

    return effective.for_request(request).panel_name


def _may_any(*permissions: str) -> Callable[[HttpRequest], bool]:
    return lambda request: any(map(request.user.has_perm, permissions))


def _list(title: str, icon: str, app: str, model: str) -> _Item:
    """Lead to a model's list whoever may view it."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may(f"{app}.view_{model}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _panel_name,
    "SITE_HEADER": _panel_name,
    "SITE_SUBHEADER": "Back office",
    "SITE_ICON": _file("panel/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("panel/mark.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": _may("audit.view_entry"),
    "STYLES": [_file("backoffice/backoffice.css"), _file("backoffice/orders.css")],
    "DASHBOARD_CALLBACK": "tradepost.backoffice.dashboard.dashboard_callback",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .018 170)",
            "100": "oklch(94.6% .045 170)",
            "200": "oklch(89.6% .085 170)",
            "300": "oklch(82.6% .115 169)",
            "400": "oklch(74.4% .125 168)",
            "500": "oklch(65.2% .122 167)",
            "600": "oklch(54.2% .106 167)",
            "700": "oklch(45.8% .088 168)",
            "800": "oklch(38.2% .071 169)",
            "900": "oklch(33.0% .058 170)",
            "950": "oklch(22.5% .042 171)",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "title": "Orders",
                "items": [
                    {"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")},
                    _list("Orders", "receipt_long", "orders", "order"),
                    {
                        "title": "Work by hand",
                        "icon": "front_hand",
                        "link": reverse_lazy("manual_work"),
                        "permission": _may("orders.fulfil_order"),
                    },
                    {
                        "title": "Stuck orders",
                        "icon": "hourglass_top",
                        "link": reverse_lazy("admin:orders_stuckorder_changelist"),
                        "permission": _may("orders.view_order"),
                    },
                    {
                        "title": "Bulk actions",
                        "icon": "checklist",
                        "link": reverse_lazy("admin:orders_bulkaction_changelist"),
                        "permission": _may("orders.change_order"),
                    },
                    _list("Refills", "autorenew", "orders", "refill"),
                    _list("Cancel requests", "cancel", "orders", "cancelrequest"),
                    _list("Unsure and held", "help", "orders", "upstreamorder"),
                ],
            },
            {
                "title": "Catalog",
                "items": [
                    _list("Services", "sell", "catalog", "service"),
                    _list("Categories", "category", "catalog", "category"),
                    _list("Custom rates", "percent", "catalog", "customrate"),
                    _list("Price lists", "price_change", "catalog", "pricelist"),
                ],
            },
            {
                "title": "Providers",
                "items": [
                    _list("Providers", "hub", "providers", "provider"),
                    _list("What they sell", "storefront", "providers", "providerservice"),
                ],
            },
            {
                "title": "Accounts",
                "items": [
                    _list("Accounts", "group", "accounts", "account"),
                    _list("Keys", "key", "accounts", "key"),
                    {
                        **_list("Logins as customers", "supervisor_account", "accounts", "impersonation"),
                        "permission": _may_any("accounts.view_impersonation", "accounts.manage_staff"),
                    },
                ],
            },
            {
                "title": "Ledger",
                "items": [
                    _list("Transfers", "swap_horiz", "ledger", "transfer"),
                    {
                        **_list("Payments by hand", "payments", "ledger", "manualpayment"),
                        "permission": _may_any("ledger.view_manualpayment", *PAYING),
                    },
                    _list("Payment limits", "speed", "ledger", "paymentlimit"),
                    _list("Ledger accounts", "account_balance", "ledger", "ledgeraccount"),
                ],
            },
            {
                "title": "Reports",
                "items": [
                    {
                        "title": "Sales",
                        "icon": "bar_chart",
                        "link": reverse_lazy("report", args=["day"]),
                        "permission": _may("reports.view_sales"),
                    },
                    {
                        "title": "Provider quality",
                        "icon": "speed",
                        "link": reverse_lazy("quality"),
                        "permission": _may("reports.view_provider_quality"),
                    },
                ],
            },
            {
                "title": "Staff",
                "items": [
                    {
                        "title": "Staff",
                        "icon": "badge",
                        "link": reverse_lazy("staff_members"),
                        "permission": _may("accounts.manage_staff"),
                    },
                    _list("Groups", "admin_panel_settings", "auth", "group"),
                    _list("Audit log", "history", "audit", "entry"),
                    _list("Settings", "tune", "site_settings", "sitesettings"),
                ],
            },
            {
                "title": "Workers",
                "items": [
                    {
                        "title": "Fulfilment",
                        "icon": "vital_signs",
                        "link": reverse_lazy("fulfilment"),
                        "permission": _may("providers.view_provider"),
                    },
                    _list("Jobs", "work_history", "procrastinate", "procrastinatejob"),
                ],
            },
        ],
    },
}
