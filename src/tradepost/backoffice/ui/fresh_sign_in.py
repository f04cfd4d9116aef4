"""What touches rights, credentials or money takes a sign-in of the last minutes.

1. A form that is about to open asks first, so that nothing typed is lost.
2. If the time runs out while the form is open, the form says so, links to the page that asks, and keeps what was typed.
"""

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.safestring import SafeString

from tradepost.accounts import staff_sign_in
from tradepost.engine.exceptions import TradepostError

ENOUGH = "admin:index"  # the page that a sign-in in another tab ends on


class SignInNotFreshError(TradepostError):
    """The last sign-in is too long ago. The middleware answers with the page that asks for the password again."""


def require(request: HttpRequest) -> None:
    """Raise `SignInNotFreshError` if the last sign-in is too long ago."""
    if not staff_sign_in.is_fresh(request):
        raise SignInNotFreshError


def error_of(request: HttpRequest) -> SafeString | None:
    """Return what a form says if the time has run out while it was open; None if the sign-in is fresh."""
    if staff_sign_in.is_fresh(request):
        return None
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': reverse(ENOUGH)})}"
    return format_html(
        'Your sign-in is more than {} minutes old. <a class="tp-link" href="{}" target="_blank">Sign in again</a> in '
        "another tab, then press the button once more. What you typed stays here.",
        staff_sign_in.FRESH_MINUTES,
        address,
    )


def sign_in_again(request: HttpRequest, page: str = "account_reauthenticate") -> HttpResponse:
    """Redirect to the page that asks who it is, and back from there to the page that the user sees."""
    return redirect(f"{reverse(page)}?{urlencode({'next': _page_seen(request)})}")


def _page_seen(request: HttpRequest) -> str:
    """Return the page to come back to: of a dialog, the page that it stands on; of a form that was sent, its own."""
    if not request.headers.get("HX-Request"):
        return request.get_full_path()
    seen = request.headers.get("HX-Current-URL", "")
    if not url_has_allowed_host_and_scheme(seen, allowed_hosts={request.get_host()}):
        return reverse("admin:index")
    parts = urlsplit(seen)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


class FreshDialogMixin:
    """A dialog that opens, and is taken, after a fresh sign-in only."""

    request: HttpRequest

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.request.method != "POST":
            require(self.request)

    def clean(self) -> Any:
        """Refuse what was sent after the time has run out."""
        cleaned = super().clean()  # type: ignore[misc] # of the form beside it
        if error := error_of(self.request):
            raise ValidationError(error)
        return cleaned

    def render_before_template(self) -> str:
        """Say above the fields that the time has run out: dialogs show the errors of fields only."""
        before: str = super().render_before_template()  # type: ignore[misc] # of the form beside it
        error = error_of(self.request)
        return format_html('<p class="tp-note" role="alert">{}</p>{}', error, before) if error else before


class FreshFormMixin:
    """A page of a model whose form opens, and is taken, after a fresh sign-in only. Looking is free."""

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Ask before the form opens."""
        if request.method != "POST" and self._may_save(request, object_id):
            require(request)
        return super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Ask before an action on ticked rows."""
        if request.method == "POST":
            require(request)
        return super().changelist_view(request, extra_context)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, object_id: Any, extra_context: Any = None) -> Any:
        """Ask before a row is deleted."""
        admin: Any = self
        if admin.has_delete_permission(request):
            require(request)
        return super().delete_view(request, object_id, extra_context)  # type: ignore[misc]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Refuse what was sent after the time has run out."""
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        return fresh_form(form, request)

    def _may_save(self, request: HttpRequest, object_id: Any) -> bool:
        admin: Any = self
        if object_id is None:
            return bool(admin.has_add_permission(request))
        row = admin.get_object(request, object_id)
        return row is not None and bool(admin.has_change_permission(request, row))


def fresh_form(form: Any, request: HttpRequest, *, fields: frozenset[str] | None = None) -> Any:
    """Return the form's class with a refusal, if one of these fields was changed and the sign-in is not fresh."""

    class FreshForm(form):  # type: ignore[misc] # a class that is known at run time
        def clean(self) -> Any:
            cleaned = super().clean()
            is_about = fields is None or not fields.isdisjoint(self.changed_data)
            if is_about and (error := error_of(request)):
                raise ValidationError(error)
            return cleaned

    return FreshForm
