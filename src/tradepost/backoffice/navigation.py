"""The back office's name, colours and menu. The Django settings import them as `UNFOLD`."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

PAYMENT_PERMISSIONS = ("ledger.top_up_account", "ledger.correct_balance", "ledger.approve_payment")

_SCRIPTS = ("expressions.js", "menu.js", "names.js", "columns.js", "refresh.js")
_STYLES = ("theme", "shell", "backoffice", "orders", "tables")

type _Item = dict[str, Any]


def _static_file(name: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(name)  # noqa: ARG005 - Unfold passes the request


def _has_permission(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _panel_name(request: HttpRequest) -> str:
    from tradepost.site_settings import effective  # noqa: PLC0415 - the settings import this module, and are not ready yet

    return effective.for_request(request).panel_name


def _has_any_permission(*permissions: str) -> Callable[[HttpRequest], bool]:
    return lambda request: any(map(request.user.has_perm, permissions))


def _list_item(title: str, icon: str, app: str, model: str) -> _Item:
    """Return the menu item of a model's list, for users who may view the model."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _has_permission(f"{app}.view_{model}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _panel_name,
    "SITE_HEADER": _panel_name,
    "SITE_SUBHEADER": "Back office",
    "SITE_ICON": _static_file("panel/mark.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _static_file("panel/mark.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_HISTORY": _has_permission("audit.view_entry"),
    "SCRIPTS": [_static_file(f"backoffice/{file}") for file in _SCRIPTS],
    "STYLES": [_static_file(f"backoffice/{name}.css") for name in _STYLES],
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
                    _list_item("Orders", "receipt_long", "orders", "order"),
                    {
                        "title": "Manual work",
                        "icon": "front_hand",
                        "link": reverse_lazy("manual_work"),
                        "permission": _has_permission("orders.fulfil_order"),
                    },
                    {
                        "title": "Stuck orders",
                        "icon": "hourglass_top",
                        "link": reverse_lazy("admin:orders_stuckorder_changelist"),
                        "permission": _has_permission("orders.view_order"),
                    },
                    {
                        "title": "Bulk actions",
                        "icon": "checklist",
                        "link": reverse_lazy("admin:orders_bulkaction_changelist"),
                        "permission": _has_permission("orders.change_order"),
                    },
                    _list_item("Refills", "autorenew", "orders", "refill"),
                    _list_item("Cancel requests", "cancel", "orders", "cancelrequest"),
                    _list_item("Needs review", "help", "orders", "upstreamorder"),
                ],
            },
            {
                "title": "Catalog",
                "items": [
                    _list_item("Services", "sell", "catalog", "service"),
                    _list_item("Categories", "category", "catalog", "category"),
                    _list_item("Custom rates", "percent", "catalog", "customrate"),
                    _list_item("Price lists", "price_change", "catalog", "pricelist"),
                ],
            },
            {
                "title": "Providers",
                "items": [
                    _list_item("Providers", "hub", "providers", "provider"),
                    _list_item("Provider services", "storefront", "providers", "providerservice"),
                    _list_item("Unknown refusals", "quiz", "providers", "refusaltext"),
                ],
            },
            {
                "title": "Accounts",
                "items": [
                    _list_item("Accounts", "group", "accounts", "account"),
                    _list_item("API keys", "key", "accounts", "key"),
                    _list_item("Log of sign-ins", "shield_person", "accounts", "signinevent"),
                    {
                        **_list_item("Logins as customers", "supervisor_account", "accounts", "impersonation"),
                        "permission": _has_any_permission("accounts.view_impersonation", "accounts.manage_staff"),
                    },
                ],
            },
            {
                "title": "Money",
                "items": [
                    _list_item("Transactions", "swap_horiz", "ledger", "transfer"),
                    {
                        **_list_item("Manual payments", "payments", "ledger", "manualpayment"),
                        "permission": _has_any_permission("ledger.view_manualpayment", *PAYMENT_PERMISSIONS),
                    },
                    _list_item("Payment limits", "speed", "ledger", "paymentlimit"),
                    _list_item("Balances", "account_balance", "ledger", "ledgeraccount"),
                ],
            },
            {
                "title": "Reports",
                "items": [
                    {
                        "title": "Sales",
                        "icon": "bar_chart",
                        "link": reverse_lazy("report", args=["day"]),
                        "permission": _has_permission("reports.view_sales"),
                    },
                    {
                        "title": "Provider quality",
                        "icon": "speed",
                        "link": reverse_lazy("quality"),
                        "permission": _has_permission("reports.view_provider_quality"),
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
                        "permission": _has_permission("accounts.manage_staff"),
                    },
                    _list_item("Groups", "admin_panel_settings", "auth", "group"),
                    _list_item("Audit log", "history", "audit", "entry"),
                    _list_item("Settings", "tune", "site_settings", "sitesettings"),
                ],
            },
            {
                "title": "Workers",
                "items": [
                    {
                        "title": "Fulfilment",
                        "icon": "vital_signs",
                        "link": reverse_lazy("fulfilment"),
                        "permission": _has_permission("providers.view_provider"),
                    },
                    _list_item("Jobs", "work_history", "procrastinate", "procrastinatejob"),
                ],
            },
        ],
    },
}
