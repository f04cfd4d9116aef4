"""The pages: everything but `/api/v2`, which never reaches Django."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from tradepost.backoffice import fulfilment, members
from tradepost.backoffice.reports import provider_quality, sales
from tradepost.fulfilment import metrics
from tradepost.orders.admin import work

# Staff signs in where everybody does: throttled, and with the second factor of those who have one.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("", include("tradepost.panel.urls")),
    path("account/", include("allauth.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
    path("metrics", metrics.show, name="metrics"),
    path("admin/fulfilment/", admin.site.admin_view(fulfilment.show), name="fulfilment"),
    path("admin/reports/quality/", admin.site.admin_view(provider_quality.show), name="quality"),
    path("admin/reports/quality/file/", admin.site.admin_view(provider_quality.download), name="quality_file"),
    path(
        "admin/reports/quality/<int:provider>/",
        admin.site.admin_view(provider_quality.show_one),
        name="provider_quality",
    ),
    path(
        "admin/reports/quality/<int:provider>/file/",
        admin.site.admin_view(provider_quality.download),
        name="provider_quality_file",
    ),
    path("admin/reports/<slug:by>/", admin.site.admin_view(sales.show), name="report"),
    path("admin/reports/<slug:by>/file/", admin.site.admin_view(sales.download), name="report_file"),
    path("admin/staff-list/", admin.site.admin_view(members.show), name="staff"),
    path("admin/by-hand/", include(work.urlpatterns)),
    path("admin/", admin.site.urls),
]
