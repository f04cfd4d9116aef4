"""The panel for a member of staff who is logged in as a customer: what is not theirs to touch, and the way back."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from hijack.views import ReleaseUserView

from tradepost.accounts import impersonation

type Answer = Callable[[HttpRequest], HttpResponse]


def guard(get_response: Answer) -> Answer:
    """Hold whoever is logged in as somebody to that hour, and to what a customer may leave to others."""

    def answer(request: HttpRequest) -> HttpResponse:
        row = impersonation.begun(request)
        if row is None:
            return get_response(request)
        if not impersonation.is_good(row):
            impersonation.finish(row.pk)
            logout(request)
            messages.info(request, _("You are no longer logged in as a customer. Please sign in again."))
            return redirect("account_login")
        request.acting = row  # type: ignore[attr-defined] # read by `acting.of`
        if _is_only_the_customers(request):
            return render(request, "panel/not_yours.html", status=403)
        return get_response(request)

    return answer


class End(ReleaseUserView):  # type: ignore[misc] # published without types
    """Puts whoever is logged in as somebody back in their own place."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Lead back to the page of the account."""
        row = impersonation.of(request)
        assert row, "the guard lets nobody else here"
        super().post(request, *args, **kwargs)
        impersonation.finish(row.pk)
        UserSession.objects.create_from_request(request)
        return redirect("admin:accounts_account_change", row.account_id)


def _is_only_the_customers(request: HttpRequest) -> bool:
    """Tell whether a page is for the customer alone: password, address, second factor, sessions; and making keys."""
    if request.path == reverse("account_logout"):
        return False
    is_sign_in = request.path.startswith(reverse("account_login").removesuffix("login/"))
    return is_sign_in or (request.method == "POST" and request.path.startswith(reverse("panel:keys")))
