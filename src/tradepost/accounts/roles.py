"""Staff roles: the permissions of each role, as data, and their copy in Django's groups.

`docs/roles.md` shows the same page by page; a test checks each cell of it. Groups that the operator created are not
changed.
"""

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from tradepost.accounts.role_names import RoleName

MANAGE_STAFF = "accounts.manage_staff"  # may make others staff, in roles without rights that the giver lacks
OF_OTHER_APPS = ("auth.add_group", "auth.change_group", "auth.delete_group", "auth.view_group")
JOBS = "procrastinate.view_procrastinatejob"


class Role(msgspec.Struct, frozen=True):
    """A role. One that `may_everything` has, besides `permissions`, every permission of Tradepost's own models."""

    name: str
    sentence: str
    permissions: frozenset[str]
    may_everything: bool = False


def _all_verbs(app: str, *models: str) -> list[str]:
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
        "accounts.view_signinevent",
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
        "accounts.change_address",
        "orders.export_order",
        "orders.tell_provider",
        "orders.view_attempt",
        "orders.view_upstreamorder",
        *_all_verbs("catalog", "category", "customrate"),
        *_all_verbs("catalog", "pricelist", "pricelistdiscount", "pricelistrate", "pricelistmember"),
        "catalog.add_service",
        "catalog.change_service",
        "catalog.import_catalog",
        "catalog.export_catalog",
        *_all_verbs("providers", "provider", "route"),
        "providers.view_providerservice",
        "providers.view_refusaltext",
        "providers.change_refusaltext",
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
    """Create missing groups, and give each role's group exactly the role's permissions. A `post_migrate` receiver."""
    for app in apps.get_app_configs():
        create_permissions(app, verbosity=0)  # apps that come after this one have no permissions yet
    with transaction.atomic():
        for role in ROLES.values():
            group, _ = Group.objects.get_or_create(name=role.name)
            group.permissions.set(_permissions_of(role))


def permission_name(permission: Permission) -> str:
    """Return the name that `has_perm` takes. Costs a query if the content type is not loaded."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def _permissions_of(role: Role) -> list[Permission]:
    permissions = list(_find_permissions(role.permissions))
    if role.may_everything:
        own_apps = [app.label for app in apps.get_app_configs() if app.name.startswith("tradepost.")]
        permissions += Permission.objects.filter(content_type__app_label__in=own_apps)
    return permissions


def _find_permissions(names: Collection[str]) -> Iterator[Permission]:
    """Return the permissions with these names. Names that do not exist are left out."""
    codenames = [name.partition(".")[2] for name in names]
    permissions = Permission.objects.filter(codename__in=codenames).select_related("content_type")
    return (permission for permission in permissions if permission_name(permission) in names)
