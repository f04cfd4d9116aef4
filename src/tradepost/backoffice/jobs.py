"""The workers' jobs, read-only. To act on a job, operators use procrastinate's own command."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from procrastinate.contrib.django.models import ProcrastinateJob

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin

JOB_COLOURS = {"doing": "info", "succeeded": "success", "failed": "danger", "aborted": "danger"}


@register(ProcrastinateJob)
class JobAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Any]):
    list_display = ("id", "task", "state", "queue_name", "attempts", "scheduled")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("=id", "task_name")
    search_help_text = "Id or task"
    scheduled = formatters.timestamp_column("scheduled_at", "scheduled", exact=True)
    readonly_fields = ("task", "state", "arguments", "scheduled")
    fields = (
        "id",
        "task",
        "state",
        "arguments",
        "queue_name",
        "lock",
        "queueing_lock",
        "priority",
        "scheduled",
        "attempts",
    )

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Call the row a job: procrastinate's model has no name for people."""
        name = f"Job {object_id}"
        context = {"row_title": name, "subtitle": name, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    @admin.display(description="task")
    def task(self, job: Any) -> str:
        return str(job.task_name).removeprefix("builtin:procrastinate.")

    @admin.display(description="status")
    def state(self, job: Any) -> SafeString:
        return formatters.badge(job.status, JOB_COLOURS.get(job.status, ""))

    @admin.display(description="arguments")
    def arguments(self, job: Any) -> SafeString:
        """Return JSON without Unfold's colours, which are inline styles."""
        return format_html('<pre class="tp-evidence">{}</pre>', json.dumps(job.args, indent=2, sort_keys=True))
