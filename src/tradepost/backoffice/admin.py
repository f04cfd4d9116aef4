"""What the back office shows of other people's apps: groups of staff, and the jobs of the workers."""

from typing import Any

from allauth.account import admin as _registers_addresses  # noqa: F401 - taken back below
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _registers_second_factors  # noqa: F401 - taken back below
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.http import HttpRequest
from django.utils.safestring import SafeString
from procrastinate.contrib.django import admin as _registers_jobs  # noqa: F401 - taken over below
from procrastinate.contrib.django.models import ProcrastinateJob

from tradepost.accounts import delegation
from tradepost.accounts.roles import ROLES
from tradepost.backoffice import showing
from tradepost.backoffice.paging import Endless
from tradepost.backoffice.read_only import ReadOnly
from tradepost.backoffice.styled import ChoicesDropdownFilter, ModelAdmin

JOB_COLOURS = {"doing": "info", "succeeded": "success", "failed": "danger", "aborted": "danger"}

admin.site.unregister(Group)
admin.site.unregister(ProcrastinateJob)
# Pages to type a verified address or to read the secret of a second factor: ways around who may take over whom.
admin.site.unregister(Authenticator)
admin.site.unregister(EmailAddress)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin[Group]):
    """What a group of staff may do. The roles' are Tradepost's own; nobody makes or changes one beyond their rights."""

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        """Offer what whoever asks may do."""
        if request and db_field.name == "permissions":
            kwargs["queryset"] = delegation.permissions_to_give(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Leave the roles as they are, and groups that may do more."""
        return super().has_change_permission(request, obj) and (obj is None or _is_theirs(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Leave the roles where they are, and groups that may do more."""
        return super().has_delete_permission(request, obj) and (obj is None or _is_theirs(request, obj))


def _is_theirs(request: HttpRequest, group: Group) -> bool:
    return group.name not in ROLES and delegation.groups_to_give(request.user).filter(pk=group.pk).exists()


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
