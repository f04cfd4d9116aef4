"""The customers' side, page by page, and the address that a load balancer asks."""

from django.urls import path

from tradepost.panel import (
    acting,
    dashboard,
    keys,
    mass_order,
    new_order,
    order,
    orders,
    preferences,
    reference,
    services,
    statement,
    views,
)

app_name = "panel"
urlpatterns = [
    path("", views.home, name="home"),
    path("terms/", views.terms, name="terms"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", views.favicon, name="favicon"),
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
    path("orders/<int:order>/", order.order, name="order"),
    path("orders/<int:order>/cancel/", order.cancel, name="cancel"),
    path("orders/<int:order>/refill/", order.refill, name="refill"),
    path("services/", services.services, name="services"),
    path("services/changes/", services.changes, name="service_changes"),
    path("services/favourite/", services.favourite, name="favourite"),
    path("money/", statement.statement, name="money"),
    path("money/export/", statement.export, name="money_export"),
    path("money/add/", statement.add_funds, name="add_funds"),
    path("api/", reference.api, name="api"),
    path("api/console/", reference.console, name="console"),
    path("api/keys/", keys.api_keys, name="keys"),
    path("api/keys/<int:key>/revoke/", keys.revoke, name="revoke_key"),
    path("settings/", preferences.settings_page, name="settings"),
    path("acting/end/", acting.End.as_view(), name="end_acting"),
]
