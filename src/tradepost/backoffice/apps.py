from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    name = "tradepost.backoffice"
    label = "backoffice"
    verbose_name = "Back office"

    def ready(self) -> None:
        from tradepost.backoffice import admin  # noqa: F401, PLC0415 - registers the pages, once models exist
