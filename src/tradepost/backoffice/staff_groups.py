"""Groups of staff. The groups of the roles belong to Tradepost; operators may add others."""

from typing import Any

from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField
from django.http import HttpRequest

from tradepost.accounts import delegation
from tradepost.accounts.roles import ROLES
from tradepost.backoffice.ui.fresh_sign_in import FreshFormMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin


@register(Group)
class GroupAdmin(FreshFormMixin, DjangoGroupAdmin, ModelAdmin[Group]):
    """What a group may do. Nobody can change the roles' groups, or give a group rights beyond their own."""

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        """Offer only the permissions that this user may give."""
        if request and db_field.name == "permissions":
            kwargs["queryset"] = delegation.permissions_to_give(request.user)
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field and db_field.name == "permissions":
            field.label_from_instance = _permission_in_words  # type: ignore[method-assign, assignment] # as Django suggests
            field.help_text = "What members of the group may do."
        return field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Refuse the roles' groups, and groups with rights that this user lacks."""
        return super().has_change_permission(request, obj) and (obj is None or _may_edit(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Refuse the roles' groups, and groups with rights that this user lacks."""
        return super().has_delete_permission(request, obj) and (obj is None or _may_edit(request, obj))


def _permission_in_words(permission: Permission) -> str:
    of = permission.content_type.name.removeprefix("procrastinate ")
    return f"{of[:1].upper()}{of[1:]}: {permission.name.removeprefix('Can ').replace('procrastinate ', '')}"


def _may_edit(request: HttpRequest, group: Group) -> bool:
    return group.name not in ROLES and delegation.groups_to_give(request.user).filter(pk=group.pk).exists()
