"""The URLs of the panel."""

from django.urls import path

from tradepost.panel.views import (
    api_docs,
    dashboard,
    impersonation,
    keys,
    mass_order,
    money,
    new_order,
    order,
    order_actions,
    orders,
    public,
    services,
    settings,
)

app_name = "panel"
urlpatterns = [
    path("", public.home, name="home"),
    path("robots.txt", public.robots, name="robots"),
    path(".well-known/security.txt", public.security_contact, name="security_contact"),
    path("terms/", public.terms, name="terms"),
    path("favicon.ico", public.favicon, name="favicon"),
    path("dashboard/", dashboard.dashboard, name="dashboard"),
    path("orders/", orders.orders, name="orders"),
    path("orders/export/", orders.export, name="orders_export"),
    path("orders/new/", new_order.new_order, name="new_order"),
    path("orders/new/services/", new_order.found_services, name="found_services"),
    path("orders/new/charge/", new_order.charge, name="charge"),
    path("orders/mass/", mass_order.mass_order, name="mass_order"),
    path("orders/drip-feeds/", orders.dripfeeds, name="dripfeeds"),
    path("orders/subscriptions/", orders.subscriptions, name="subscriptions"),
    path("orders/refills/", orders.refills, name="refills"),
    path("orders/actions/", order_actions.order_actions, name="order_actions"),
    path("orders/<int:order>/", order.order, name="order"),
    path("orders/<int:order>/cancel/", order.cancel, name="cancel"),
    path("orders/<int:order>/refill/", order.refill, name="refill"),
    path("services/", services.services, name="services"),
    path("services/changes/", services.changes, name="service_changes"),
    path("services/favourite/", services.favourite, name="favourite"),
    path("money/", money.statement, name="money"),
    path("money/export/", money.export, name="money_export"),
    path("money/add/", money.add_funds, name="add_funds"),
    path("api/", api_docs.api_docs, name="api_docs"),
    path("api/console/", api_docs.console, name="console"),
    path("api/keys/", keys.api_keys, name="keys"),
    path("api/keys/<int:key>/revoke/", keys.revoke, name="revoke_key"),
    path("settings/", settings.settings_page, name="settings"),
    path("acting/end/", impersonation.EndImpersonationView.as_view(), name="end_acting"),
]
