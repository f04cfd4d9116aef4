"""The URLs of all pages. `/api/v2` is not among them: it never reaches Django."""

from django.urls import include, path

from tradepost.fulfilment import metrics
from tradepost.panel.views import sessions, throttled

urlpatterns = [
    path("", include("tradepost.panel.urls")),
    path("account/sessions/", sessions.SessionsView.as_view()),  # in place of django-allauth's view, by its name
    path("account/", include("allauth.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    path("metrics", metrics.metrics_view, name="metrics"),
    path("admin/", include("tradepost.backoffice.urls")),
]

handler429 = throttled.too_many_requests  # django-allauth calls it by this name
