"""Roles: the groups that come with a desk."""


def test_every_permission_that_a_role_names_exists() -> None:
    from django.contrib.auth.models import Permission

    from tradepost.accounts import roles

    existing = {roles.permission_name(each) for each in Permission.objects.select_related("content_type")}
    named: set[str] = set().union(*(role.permissions for role in roles.ROLES.values()))
    assert named - existing == set()


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
