"""The answer to somebody who asks too often."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tradepost.accounts import sign_in_log
from tradepost.accounts.models import Account, SignInKind


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Record it in the log of sign-ins, and answer 429."""
    account = request.user if isinstance(request.user, Account) else None
    name = request.resolver_match.url_name if request.resolver_match else ""
    sign_in_log.record(request, SignInKind.THROTTLED, account=account, detail=name or "")
    return render(request, "429.html", status=429)
