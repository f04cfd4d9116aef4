"""Addresses of the back office: pages that show no single model, then the admin site's."""

from django.urls import include, path

from tradepost.backoffice import fulfilment, staff_members
from tradepost.backoffice.orders import manual_work
from tradepost.backoffice.reports import provider_quality, sales
from tradepost.backoffice.ui.site import site

urlpatterns = [
    path("fulfilment/", site.admin_view(fulfilment.fulfilment_status), name="fulfilment"),
    path("staff-members/", site.admin_view(staff_members.staff_list), name="staff_members"),
    path("manual-work/", include(manual_work.urlpatterns)),
    path("reports/quality/", site.admin_view(provider_quality.show), name="quality"),
    path("reports/quality/file/", site.admin_view(provider_quality.download), name="quality_file"),
    path("reports/quality/<int:provider>/", site.admin_view(provider_quality.show_one), name="provider_quality"),
    path(
        "reports/quality/<int:provider>/file/",
        site.admin_view(provider_quality.download),
        name="provider_quality_file",
    ),
    path("reports/<slug:by>/", site.admin_view(sales.show), name="report"),
    path("reports/<slug:by>/file/", site.admin_view(sales.download), name="report_file"),
    path("", site.urls),
]
