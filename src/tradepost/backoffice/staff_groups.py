"""Groups of staff. The roles' groups are Tradepost's own; operators may add further ones."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.http import HttpRequest

from tradepost.accounts import delegation
from tradepost.accounts.roles import ROLES
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin


@register(Group)
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
