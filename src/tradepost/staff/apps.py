from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from tradepost.staff import actors


class StaffConfig(AppConfig):
    name = "tradepost.staff"
    label = "audit"
    verbose_name = "Staff"

    def ready(self) -> None:
        from tradepost.staff import keeping  # noqa: PLC0415 - there are no models before

        post_migrate.connect(keeping.keep, sender=self)
        connection_created.connect(actors.tell_new_connection)
