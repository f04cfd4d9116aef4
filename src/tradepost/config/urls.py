"""The URLs of all pages. `/api/v2` is not among them: it never reaches Django."""

from django.urls import include, path

from tradepost.fulfilment import metrics

urlpatterns = [
    path("", include("tradepost.panel.urls")),
    path("account/", include("allauth.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    path("metrics", metrics.metrics_view, name="metrics"),
    path("admin/", include("tradepost.backoffice.urls")),
]
