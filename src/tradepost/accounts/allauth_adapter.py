"""Where accounts meet django-allauth: who may sign up, by the operator's setting."""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tradepost.accounts import impersonation, invitations
from tradepost.site_settings import effective as site_settings

INVITATION = "invitation"  # the parameter of the link, and what the session keeps it as


logger = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # published without types
    """Lets people sign up as the operator has said."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Tell whether whoever asks may sign up now; an invitation is kept until it is used."""
        sign_up = site_settings.for_request(request).sign_up
        if sign_up != "invitation":
            return sign_up == "open"
        token = request.GET.get(INVITATION, "")
        if invitations.invited_email(token):
            request.session[INVITATION] = token
        return invitations.invited_email(request.session.get(INVITATION, "")) is not None

    def logout(self, request: HttpRequest) -> None:
        """Sign out; being logged in as somebody ends along with the session."""
        if row := request.session.get(impersonation.SESSION_KEY):
            impersonation.finish(row)
        super().logout(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail; if the mail server can't take it the operator is told, and the page goes on."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # smtplib's errors among them
            logger.exception("A mail can't be sent")

    def clean_email(self, email: str) -> str:
        """Take the address that was invited, and no other, where an invitation is needed."""
        cleaned: str = super().clean_email(email).lower()
        if site_settings.for_request(self.request).sign_up == "invitation" and not self.request.user.is_authenticated:
            invited = invitations.invited_email(self.request.session.get(INVITATION, ""))
            if invited and cleaned != invited:
                raise ValidationError(_("The invitation is for another address."))
        return cleaned
