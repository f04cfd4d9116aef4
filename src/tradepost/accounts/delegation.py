"""Who may give roles, and who may change which account. Staff can neither give nor take over rights they lack."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from tradepost.accounts.roles import MANAGE_STAFF


def may_hand_out(giver: Any) -> bool:
    """Return whether this account may make other accounts staff and choose their roles."""
    return bool(giver.has_perm(MANAGE_STAFF))


def may_change(changer: Any, account: Any) -> bool:
    """Return whether `changer` may change this account (above all its password and address) or sign in as it.

    1. Customers: everybody who may change accounts at all; the caller checks that.
    2. Staff: the account itself, and staff who may give roles and have every right that the account has.
    3. Superusers: superusers only.
    """
    if changer.pk == account.pk or changer.is_superuser or not (account.is_staff or account.is_superuser):
        return True
    is_within = _permission_ids(account) <= _permission_ids(changer)
    return may_hand_out(changer) and not account.is_superuser and is_within


def outranks(person: Any, account: Any) -> bool:
    """Return whether the account is below the person: a customer, or staff with fewer rights. Nobody is below oneself.

    Only such an account gets credit or another address from the person: between equals, each could take over the other.
    """
    if person.pk == account.pk or account.is_superuser:
        return False
    if person.is_superuser or not account.is_staff:
        return True
    return _permission_ids(account) < _permission_ids(person)


def groups_to_give(giver: Any) -> QuerySet[Group]:
    """Return the groups that grant no permission that the giver lacks."""
    groups = Group.objects.order_by("name")
    return groups if giver.is_superuser else groups.exclude(permissions__in=_permissions_lacking(giver))


def permissions_to_give(giver: Any) -> QuerySet[Permission]:
    permissions = Permission.objects.select_related("content_type")
    return permissions if giver.is_superuser else permissions.filter(pk__in=_permission_ids(giver))


def _permissions_lacking(giver: Any) -> QuerySet[Permission]:
    return Permission.objects.exclude(pk__in=_permission_ids(giver))


def _permission_ids(account: Any) -> set[int]:
    """Return the permissions of an account, even a suspended one, for which Django's own methods return none."""
    permissions = Permission.objects.filter(Q(user=account) | Q(group__user=account))
    return set(permissions.values_list("pk", flat=True))
