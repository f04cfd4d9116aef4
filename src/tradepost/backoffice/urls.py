"""URLs of the back office: first the pages that show no single model, then those of the admin site."""

from django.urls import include, path

from tradepost.backoffice import fulfilment, search, staff_members
from tradepost.backoffice.orders import manual_work
from tradepost.backoffice.reports import provider_quality, sales
from tradepost.backoffice.ui.site import site

urlpatterns = [
    path("fulfilment/", site.admin_view(fulfilment.fulfilment_status), name="fulfilment"),
    path("staff-members/", site.admin_view(staff_members.staff_list), name="staff_members"),
    path("manual-work/", include(manual_work.urlpatterns)),
    path("reports/quality/", site.admin_view(provider_quality.provider_quality_report), name="quality"),
    path("reports/quality/file/", site.admin_view(provider_quality.quality_file), name="quality_file"),
    path("reports/quality/<int:provider>/", site.admin_view(provider_quality.provider_report), name="provider_quality"),
    path(
        "reports/quality/<int:provider>/file/",
        site.admin_view(provider_quality.quality_file),
        name="provider_quality_file",
    ),
    path("reports/<slug:by>/", site.admin_view(sales.sales_report), name="report"),
    path("reports/<slug:by>/file/", site.admin_view(sales.sales_file), name="report_file"),
    path("search/", site.admin_view(search.search), name="search_everywhere"),  # in place of the admin site's own
    path("", site.urls),
]
