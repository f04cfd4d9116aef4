"""django-allauth's adapter: who may sign up, how often a password may be wrong, and how mails are sent."""

from email.utils import formataddr, parseaddr
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from tradepost.accounts import attempts, impersonation, invitations, outgoing_mail, sign_in_log, sign_ins
from tradepost.accounts.models import Account, SignInKind
from tradepost.site_settings import effective as site_settings
from tradepost.site_settings.effective import EffectiveSettings

INVITATION = "invitation"  # the name of the link's parameter, and of the token in the session
UNKNOWN_ACCOUNT = "account/email/unknown_account"  # the mail to an address without an account, after a reset


class Adapter(DefaultAccountAdapter):  # type: ignore[misc] # published without types
    """Applies the operator's settings and our limits to allauth's pages."""

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
        """Leave a mail to the worker, so that no page waits for a mail server."""
        request = allauth_context.request
        if template_prefix == UNKNOWN_ACCOUNT:
            sign_in_log.record(request, SignInKind.RESET_ASKED, typed=email)
        names = {"request": request, "email": email, "site": self._settings()}
        links = {name: _at_the_desk(value) for name, value in context.items() if name.endswith("_url")}
        outgoing_mail.enqueue(self.render_mail(template_prefix, email, {**names, **context, **links}))

    def send_password_reset_mail(self, user: Account, email: str, context: dict[str, Any]) -> None:
        """Record that somebody asked for a new password, or staff for somebody else."""
        request = allauth_context.request
        detail = "by staff" if request.user.is_authenticated and request.user.pk != user.pk else ""
        sign_in_log.record(request, SignInKind.RESET_ASKED, account=user, detail=detail)
        super().send_password_reset_mail(user, email, context)

    def login(self, request: HttpRequest, user: Account) -> None:
        """Sign in. Django writes the last sign-in then, so look before whether there was one."""
        sign_ins.note_first(request, user)
        super().login(request, user)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try with a password in place of allauth's own limit, which lets anybody lock an owner out."""
        email = str(credentials.get("email", "")).strip().lower()
        account = Account.objects.filter(email=email).first() if email else None
        subject = attempts.password_subject(email)
        self._attempt = attempts.begin(request, attempts.PASSWORD, subject, account)
        if self._attempt is None:
            sign_in_log.record(request, SignInKind.THROTTLED, account=account, method="password")
            raise self.validation_error(attempts.TOO_MANY)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record a wrong password."""
        email = str(credentials.get("email", "")).strip().lower()
        account = Account.objects.filter(email=email).first() if email else None
        sign_in_log.record(request, SignInKind.FAILED, account=account, typed=email, method="password")

    def respond_user_inactive(self, request: HttpRequest, user: Account) -> HttpResponse:
        """Record the right password of a suspended account."""
        sign_in_log.record(request, SignInKind.FAILED, account=user, detail="suspended")
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def _rollback_login_failed_rl_usage(self) -> None:
        """Do not count a try with the right password. Allauth calls this after each."""
        if self._attempt:
            self._attempt.take_back()

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """Forget wrong passwords and codes after a reset of the password. Allauth calls this then."""
        email = str(credentials.get("email", ""))
        attempts.forget(request, attempts.PASSWORD, attempts.password_subject(email))
        if account := Account.objects.filter(email=email.lower()).first():
            attempts.forget(request, attempts.CODE, attempts.code_subject(account))

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
