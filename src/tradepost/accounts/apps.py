from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "tradepost.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # There are no models before.
        from allauth.account import signals  # noqa: PLC0415
        from allauth.mfa import signals as mfa_signals  # noqa: PLC0415
        from django.contrib.auth.signals import user_logged_in  # noqa: PLC0415

        from tradepost.accounts import roles, sign_ins, staff_sessions, staff_sign_in, time_zones  # noqa: PLC0415

        post_migrate.connect(roles.sync_groups, sender=self)
        user_logged_in.connect(staff_sessions.begin)
        mfa_signals.authenticator_added.connect(staff_sign_in.note_set_up)
        signals.user_signed_up.connect(time_zones.keep_browsers_zone)
        signals.user_logged_in.connect(time_zones.keep_browsers_zone)
        signals.user_logged_in.connect(sign_ins.on_sign_in)
        signals.password_changed.connect(sign_ins.on_password_changed)
        signals.password_set.connect(sign_ins.on_password_changed)
        signals.password_reset.connect(sign_ins.on_password_reset)
        signals.email_changed.connect(sign_ins.on_email_changed)
        mfa_signals.authenticator_added.connect(sign_ins.on_factor_added)
        mfa_signals.authenticator_removed.connect(sign_ins.on_factor_removed)
        mfa_signals.authenticator_reset.connect(sign_ins.on_codes_renewed)
        mfa_signals.authentication_failed.connect(sign_ins.on_code_refused)
