"""The page of all staff: their roles, when they were last seen, and whether they use a second factor."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from tradepost.accounts import delegation
from tradepost.accounts.models import Account
from tradepost.accounts.roles import ROLES
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.site import site

_last_seen_column = formatters.ago_column("seen_at", "last seen")
_last_login_column = formatters.ago_column("last_login", "last signed in")


def staff_list(request: HttpRequest) -> HttpResponse:
    """Show the page to users who may hand out roles."""
    if not delegation.may_hand_out(request.user):
        raise PermissionDenied
    context = {
        **site.each_context(request),
        "title": "Staff",
        "members": [_row(account) for account in _staff()],
        "roles": ROLES.values(),
    }
    return TemplateResponse(request, "backoffice/staff_members.html", context)


def _staff() -> QuerySet[Account]:
    last_seen = (
        UserSession.objects.filter(user=OuterRef("pk")).values("user").annotate(at=Max("last_seen_at")).values("at")
    )
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    staff = Account.objects.filter(is_staff=True).prefetch_related("groups").order_by("-is_active", "email")
    return staff.annotate(seen_at=last_seen, has_second_factor=Exists(factors))


def _row(account: Any) -> dict[str, Any]:
    return {
        "email": account.email,
        "name": account.name,
        "link": reverse("admin:accounts_account_change", args=[account.pk]),
        "roles": _roles(account),
        "state": formatters.badge("active", "success")
        if account.is_active
        else formatters.badge("suspended", "danger"),
        "second_factor": _second_factor(account),
        "signed_in": _last_login_column(None, account),
        "seen": _last_seen_column(None, account),
    }


def _roles(account: Any) -> list[SafeString]:
    names = [group.name for group in account.groups.all()]
    badges = [formatters.badge(name, "primary" if name in ROLES else "info") for name in names]
    if account.is_superuser:
        badges.insert(0, formatters.badge("superuser", "warning"))
    return badges or [formatters.badge("no role")]


def _second_factor(account: Any) -> SafeString:
    return formatters.badge("on", "success") if account.has_second_factor else formatters.badge("off", "warning")
