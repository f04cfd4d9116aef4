"""Roles of staff: what each may do, as data, and as the groups of Django that it is kept in.

`docs/roles.md` shows the same page by page, and is held to it by a test a cell. Groups of the operator's own stand
beside these and are left alone.
"""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from tradepost.accounts.role_names import RoleName

MANAGE_STAFF = "accounts.manage_staff"  # who may make others staff, in roles that have no more rights than their own
OF_OTHER_APPS = ("auth.add_group", "auth.change_group", "auth.delete_group", "auth.view_group")
JOBS = "procrastinate.view_procrastinatejob"


class Role(msgspec.Struct, frozen=True):
    """A role. One that may do everything has every permission of Tradepost's own models, and a few of others'."""

    name: str
    sentence: str
    permissions: frozenset[str]
    may_everything: bool = False


def _whole(app: str, *models: str) -> list[str]:
    """Name the permissions to see, add, change and delete."""
    return [f"{app}.{verb}_{model}" for model in models for verb in ("view", "add", "change", "delete")]


FULFILLER = Role(
    RoleName.FULFILLER.value,
    "Works off the queue of manual services, refills and cancel requests; sees no money and no accounts.",
    frozenset(
        {
            "orders.fulfil_order",
            "orders.view_refill",
            "orders.change_refill",
            "orders.view_cancelrequest",
            "orders.change_cancelrequest",
        }
    ),
)
SUPPORT = Role(
    RoleName.SUPPORT.value,
    "Helps customers with their orders and accounts; sees neither providers nor what anything costs there.",
    FULFILLER.permissions
    | {
        "orders.view_order",
        "orders.change_order",
        "orders.view_orderevent",
        "catalog.view_category",
        "catalog.view_service",
        "catalog.view_customrate",
        "accounts.view_account",
        "accounts.add_account",
        "accounts.change_account",
        "accounts.impersonate_account",
        "accounts.view_key",
        "accounts.change_key",
        "ledger.view_transfer",
        "ledger.view_ledgeraccount",
        "ledger.top_up_account",
    },
)
MANAGER = Role(
    RoleName.MANAGER.value,
    "Runs the business: catalog, providers, money and reports; everything but staff, roles and settings.",
    SUPPORT.permissions
    | {
        "accounts.view_impersonation",
        "orders.export_order",
        "orders.view_attempt",
        "orders.view_upstreamorder",
        *_whole("catalog", "category", "customrate"),
        *_whole("catalog", "pricelist", "pricelistdiscount", "pricelistrate", "pricelistmember"),
        "catalog.add_service",
        "catalog.change_service",
        "catalog.import_catalog",
        "catalog.export_catalog",
        *_whole("providers", "provider", "route"),
        "providers.view_providerservice",
        "ledger.correct_balance",
        "ledger.approve_payment",
        "ledger.change_credit_limit",
        "reports.view_sales",
        "reports.view_profit",
        "reports.view_provider_quality",
        "audit.view_entry",
        JOBS,
    },
)
OWNER = Role(
    RoleName.OWNER.value,
    "May do everything: staff, roles and settings too.",
    MANAGER.permissions
    | {MANAGE_STAFF, "site_settings.view_sitesettings", "site_settings.change_sitesettings", *OF_OTHER_APPS},
    may_everything=True,
)
ROLES = {role.name: role for role in (OWNER, MANAGER, SUPPORT, FULFILLER)}


def sync_groups(**__: Any) -> None:
    """Give each role's group exactly that role's permissions and create missing groups; a `post_migrate` receiver."""
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)  # those of apps that come after this one are not made yet
    with transaction.atomic():
        for role in ROLES.values():
            group, _ = Group.objects.get_or_create(name=role.name)
            group.permissions.set(_of(role))


def missing() -> list[str]:
    """Return the permissions that roles name and that there are none of."""
    named: set[str] = set().union(*(role.permissions for role in ROLES.values()))
    return sorted(named - {written(permission) for permission in _named(named)})


def written(permission: Permission) -> str:
    """Write a permission as `has_perm` takes it; its content type is at hand."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def _of(role: Role) -> list[Permission]:
    """Return the permissions of a role, without those that there are none of."""
    found = list(_named(role.permissions))
    if role.may_everything:
        ours = [app.label for app in apps.get_app_configs() if app.name.startswith("tradepost.")]
        found += Permission.objects.filter(content_type__app_label__in=ours)
    return found


def _named(names: Collection[str]) -> Iterator[Permission]:
    codenames = [name.partition(".")[2] for name in names]
    permissions = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    return (permission for permission in permissions if written(permission) in names)
