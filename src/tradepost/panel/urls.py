"""The customers' side: its front page, and the address that a load balancer asks."""

from django.urls import path

from tradepost.panel import views

app_name = "panel"
urlpatterns = [
    path("", views.home, name="home"),
    path("healthz", views.healthz, name="healthz"),
    path("favicon.ico", views.favicon, name="favicon"),
]
