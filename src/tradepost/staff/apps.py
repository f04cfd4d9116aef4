from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from tradepost.staff import actors


class StaffConfig(AppConfig):
    name = "tradepost.staff"
    label = "staff"
    verbose_name = "Staff"

    def ready(self) -> None:
        post_migrate.connect(_keep, sender=self)
        connection_created.connect(actors.tell_new_connection)


def _keep(**_: Any) -> None:
    from tradepost.staff import roles, watched  # noqa: PLC0415 - there are no models before all apps are ready

    roles.keep()
    watched.keep()
