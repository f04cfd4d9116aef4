"""The back office as one admin site, on which only our own areas register their pages."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.db.models import Model

from tradepost.backoffice.ui.unfold_admin import AdminSite, ModelAdmin

site = AdminSite(name="admin")
# Staff signs in where everybody does: with limited attempts, and with the second factor of those who have one.
site.login = secure_admin_login(site.login)  # type: ignore[method-assign]


def register[PageType: type[ModelAdmin[Any]]](model: type[Model]) -> Callable[[PageType], PageType]:
    """Show `model` in the back office by the decorated `ModelAdmin`."""

    def decorate(page: PageType) -> PageType:
        site.register(model, page)
        return page

    return decorate
