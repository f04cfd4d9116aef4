from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SiteSettingsConfig(AppConfig):
    name = "tradepost.site_settings"
    label = "site_settings"
    verbose_name = "Settings"

    def ready(self) -> None:
        from tradepost.site_settings import effective  # noqa: PLC0415 - there are no models before

        post_migrate.connect(effective.create_row, sender=self)
