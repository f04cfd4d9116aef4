"""Groups of the operator's own that are called like a role get another name before the roles are first made.

Else they would become the roles: their members would gain or lose rights unseen. Members and rights stay with the group.
"""

from itertools import chain, count
from typing import Any

from django.db import migrations

NAMES = ("owner", "manager", "support", "fulfiller")


def set_aside(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 - Django's
    """Rename such groups; not where the roles are there already, as this app's content types are since that moment."""
    if apps.get_model("contenttypes", "ContentType").objects.filter(app_label="staff").exists():
        return
    Group = apps.get_model("auth", "Group")
    for group in Group.objects.filter(name__in=NAMES):
        names = chain([f"{group.name} (before roles)"], (f"{group.name} (before roles {n})" for n in count(2)))
        group.name = next(name for name in names if not Group.objects.filter(name=name).exists())
        group.save(update_fields=["name"])


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0002_rules"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(set_aside, migrations.RunPython.noop)]
