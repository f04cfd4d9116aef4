from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LiveConfig(AppConfig):
    name = "tradepost.live"
    label = "site_settings"
    verbose_name = "Settings"

    def ready(self) -> None:
        from tradepost.live import settings  # noqa: PLC0415 - there are no models before

        post_migrate.connect(settings.keep, sender=self)
