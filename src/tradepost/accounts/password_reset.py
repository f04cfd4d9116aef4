"""The form that asks for the mail to set a new password."""

from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm

from tradepost.accounts.models import Account


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc] # published without types
    """Mails to the address of the account only.

    An address to which the account is being changed is nobody's yet: until its link is followed, it resets nothing.
    """

    users: list[Account]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = [user for user in self.users if user.email == email.lower()]
        return email
