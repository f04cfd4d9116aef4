"""Links to rows and lists, for users who may view them. Everybody else sees the text alone.

Methods that make the cells of a list get no request, so the middleware names the request for as long as it lasts.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString


class _Reader:
    """Who reads the page, and which models' pages this user may open. Each model is asked once a request."""

    def __init__(self, request: HttpRequest, site: AdminSite) -> None:
        self.request = request
        self._site = site
        self._answers: dict[type[Model], bool] = {}

    def may_view(self, model: type[Model]) -> bool:
        if model not in self._answers:
            is_registered = self._site.is_registered(model)
            self._answers[model] = is_registered and self._site.get_model_admin(model).has_view_permission(self.request)
        return self._answers[model]


_reader: ContextVar[_Reader | None] = ContextVar("reader", default=None)


@contextmanager
def for_reader(request: HttpRequest, site: AdminSite) -> Iterator[None]:
    """Make links for the user of this request while the context lasts."""
    token = _reader.set(_Reader(request, site))
    try:
        yield
    finally:
        _reader.reset(token)


def may_view(model: type[Model]) -> bool:
    """Return whether the reader may open the pages of the model's rows, and their list. Nobody may, outside a request.

    A model without pages has none that anybody may open.
    """
    reader = _reader.get()
    return reader is not None and reader.may_view(model)


def has_perms(*permissions: str) -> bool:
    """Return whether the reader has all these permissions: for links to pages that are no model's."""
    reader = _reader.get()
    return reader is not None and reader.request.user.has_perms(permissions)


def row_link(model: type[Model], pk: object, text: object) -> SafeString | str:
    """Link to the page of a row."""
    if not may_view(model):
        return str(text)
    url = reverse(f"admin:{_url_name(model)}_change", args=[pk])
    return format_html('<a class="tp-link" href="{}">{}</a>', url, text)


def list_link(model: type[Model], text: object, **filters: str | int) -> SafeString | str:
    """Link to the list of a model's rows, filtered."""
    url = list_url(model, **filters)
    return format_html('<a class="tp-link" href="{}">{}</a>', url, text) if url else str(text)


def list_url(model: type[Model], **filters: str | int) -> str:
    """Return the URL of the list of a model's rows, filtered; empty if the reader may not view it."""
    query = f"?{urlencode(filters)}" if filters else ""
    return f"{reverse(f'admin:{_url_name(model)}_changelist')}{query}" if may_view(model) else ""


def account_link(account: Any) -> SafeString | str:
    """Link to the page of an account. A test account has no page, so its owner's is linked."""
    return row_link(type(account), account.test_of_id or account.pk, account)


def _url_name(model: type[Model]) -> str:
    return model._meta.label_lower.replace(".", "_")  # noqa: SLF001 - documented
