from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from tradepost.audit import actor


class AuditConfig(AppConfig):
    name = "tradepost.audit"
    label = "audit"
    verbose_name = "Audit log"

    def ready(self) -> None:
        from tradepost.audit import tables  # noqa: PLC0415 - there are no models before

        post_migrate.connect(tables.create_triggers, sender=self)
        connection_created.connect(actor.set_actor_on_connect)
