"""The pages: everything but `/api/v2`, which never reaches Django."""

from django.contrib import admin
from django.urls import include, path

from tradepost.backoffice import fulfilment
from tradepost.fulfilment import metrics

urlpatterns = [
    path("", include("tradepost.panel.urls")),
    path("metrics", metrics.show, name="metrics"),
    path("admin/fulfilment/", admin.site.admin_view(fulfilment.show), name="fulfilment"),
    path("admin/", admin.site.urls),
]
