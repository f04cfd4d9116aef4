"""Roles: the groups that come with a desk."""


def test_every_permission_that_a_role_names_exists() -> None:
    from tradepost.accounts import roles

    assert roles.missing_permissions() == []


def test_groups_of_the_operators_own_are_left_alone() -> None:
    from django.contrib.auth.models import Group, Permission

    from tradepost.accounts import roles

    group, _ = Group.objects.get_or_create(name="Night shift")
    group.permissions.set(Permission.objects.filter(codename="view_order"))
    manager = Group.objects.get(name="manager")
    manager.permissions.clear()
    roles.sync_groups()
    assert [permission.codename for permission in group.permissions.all()] == ["view_order"]
    assert manager.permissions.filter(codename="change_service").exists()
