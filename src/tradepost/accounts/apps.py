from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tradepost.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # There are no models before.
        from allauth.account import signals  # noqa: PLC0415
        from allauth.mfa.signals import authenticator_added  # noqa: PLC0415
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from tradepost.accounts import roles, staff_sessions, staff_sign_in, time_zones  # noqa: PLC0415

        post_migrate.connect(roles.sync_groups, sender=self)
        user_logged_in.connect(staff_sessions.begin)
        authenticator_added.connect(staff_sign_in.note_set_up)
        signals.user_signed_up.connect(time_zones.keep_browsers_zone)
        signals.user_logged_in.connect(time_zones.keep_browsers_zone)
