"""What the back office shows of other people's apps: groups of staff, and the jobs of the workers."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.utils.safestring import SafeString
from procrastinate.contrib.django import admin as _registers_jobs  # noqa: F401 - taken over below
from procrastinate.contrib.django.models import ProcrastinateJob

from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import ChoicesDropdownFilter, ModelAdmin

JOB_COLOURS = {"doing": "info", "succeeded": "success", "failed": "danger", "aborted": "danger"}

admin.site.unregister(Group)
admin.site.unregister(ProcrastinateJob)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    """What a group of staff may do."""


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnly, Endless, ModelAdmin[Any]):
    """The workers' jobs, to read; what is to be done about one is done by procrastinate's own command."""

    list_display = ("id", "task", "state", "queue_name", "attempts", "scheduled")
    list_filter = (("status", ChoicesDropdownFilter),)
    list_filter_submit = True
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("=id", "task_name")
    search_help_text = "Id or task"
    scheduled = showing.time_of("scheduled_at", "scheduled", exact=True)
    readonly_fields = ("task", "state", "scheduled")
    fields = (
        "id",
        "task",
        "state",
        "args",
        "queue_name",
        "lock",
        "queueing_lock",
        "priority",
        "scheduled",
        "attempts",
    )

    @admin.display(description="task")
    def task(self, job: Any) -> str:
        """Show what is to be done."""
        return str(job.task_name)

    @admin.display(description="status")
    def state(self, job: Any) -> SafeString:
        """Show how far it is."""
        return showing.badge(job.status, JOB_COLOURS.get(job.status, ""))
