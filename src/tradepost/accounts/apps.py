from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tradepost.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # There are no models before.
        from allauth.account import signals  # noqa: PLC0415

        from tradepost.accounts import roles, time_zones  # noqa: PLC0415

        post_migrate.connect(roles.sync_groups, sender=self)
        signals.user_signed_up.connect(time_zones.keep_browsers_zone)
        signals.user_logged_in.connect(time_zones.keep_browsers_zone)
