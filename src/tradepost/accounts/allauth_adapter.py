"""django-allauth's adapter: who may sign up, by the operator's setting, and how mails are sent."""

import logging
from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

from tradepost.accounts import impersonation, invitations
from tradepost.site_settings import effective as site_settings
from tradepost.site_settings.effective import EffectiveSettings

INVITATION = "invitation"  # the name of the link's parameter, and of the token in the session


logger = logging.getLogger(__name__)


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # published without types
    """Applies the operator's settings to allauth's pages."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether the visitor may sign up. The session keeps a valid invitation until the visitor uses it."""
        sign_up = site_settings.for_request(request).sign_up
        if sign_up != "invitation":
            return sign_up == "open"
        token = request.GET.get(INVITATION, "")
        if invitations.invited_email(token):
            request.session[INVITATION] = token
        return invitations.invited_email(request.session.get(INVITATION, "")) is not None

    def logout(self, request: HttpRequest) -> None:
        """Sign out, and end the session's impersonation, if there is one."""
        if row := request.session.get(impersonation.SESSION_KEY):
            impersonation.end(row)
        super().logout(request)

    def get_from_email(self) -> str:
        """Return the sender: the panel's name before the address, unless the environment gives a name of its own."""
        name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
        return formataddr((name or self._settings().panel_name, address))

    def format_email_subject(self, subject: str) -> str:
        """Put the panel's name after the subject."""
        return f"{subject} · {self._settings().panel_name}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail. If the mail server fails, log the error for the operator and show the page all the same."""
        links = {name: _at_the_desk(value) for name, value in context.items() if name.endswith("_url")}
        try:
            super().send_mail(template_prefix, email, {"site": self._settings(), **context, **links})
        except OSError:  # smtplib's errors are OSErrors, too
            logger.exception("A mail can't be sent")

    def _settings(self) -> EffectiveSettings:
        return site_settings.for_request(self.request)

    def clean_email(self, email: str) -> str:
        """Accept only the invited address if sign-up needs an invitation."""
        cleaned: str = super().clean_email(email).lower()
        if site_settings.for_request(self.request).sign_up == "invitation" and not self.request.user.is_authenticated:
            invited = invitations.invited_email(self.request.session.get(INVITATION, ""))
            if invited and cleaned != invited:
                raise ValidationError(_("The invitation is for another address."))
        return cleaned


def _at_the_desk(link: str) -> str:
    """Return a link of a mail at the desk's own address. Allauth takes the host that the request names."""
    parts = urlsplit(link)
    return settings.TRADEPOST_URL + urlunsplit(("", "", parts.path, parts.query, parts.fragment))
