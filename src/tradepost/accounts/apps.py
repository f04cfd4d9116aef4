from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tradepost.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from tradepost.accounts import roles  # noqa: PLC0415 - there are no models before

        post_migrate.connect(roles.sync_groups, sender=self)
