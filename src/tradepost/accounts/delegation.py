"""Who may hand out roles, and who may change whose account: nobody gives, or takes over, more than they have."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from tradepost.accounts.roles import MANAGE_STAFF


def may_hand_out(giver: Any) -> bool:
    """Tell whether this account may make others staff and say in which roles."""
    return bool(giver.has_perm(MANAGE_STAFF))


def may_change(changer: Any, account: Any) -> bool:
    """Tell whether this account may change that one, its password and address above all, or sign in as it.

    Customers are changed by whoever may change accounts, which is asked elsewhere. Staff is changed by itself, and by
    who hands out roles and lacks none of its rights; a superuser by superusers only.
    """
    if changer.pk == account.pk or changer.is_superuser or not (account.is_staff or account.is_superuser):
        return True
    return may_hand_out(changer) and not account.is_superuser and _ids(account) <= _ids(changer)


def groups_to_give(giver: Any) -> QuerySet[Group]:
    """Return the groups that grant nothing beyond what the giver may do."""
    groups = Group.objects.order_by("name")
    return groups if giver.is_superuser else groups.exclude(permissions__in=_beyond(giver))


def permissions_to_give(giver: Any) -> QuerySet[Permission]:
    """Return the permissions that the giver has."""
    permissions = Permission.objects.select_related("content_type")
    return permissions if giver.is_superuser else permissions.filter(pk__in=_ids(giver))


def _beyond(giver: Any) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=_ids(giver))


def _ids(account: Any) -> set[int]:
    """Return the permissions of an account, suspended or not: Django's own way finds none of one that is."""
    held = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    return set(held.values_list("pk", flat=True))
