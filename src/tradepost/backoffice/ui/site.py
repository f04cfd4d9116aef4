"""The back office as an admin site of its own. Only our areas register pages here."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.db.models import Model
from django.http import HttpRequest
from django.shortcuts import redirect

from tradepost.backoffice.ui.unfold_admin import AdminSite, ModelAdmin


class BackofficeSite(AdminSite):
    """Unfold's site, without what our own pages and menu do."""

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Redirect staff to the panel's page, which asks for the old password and mails the change."""
        return redirect("account_change_password")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return no list of all models, which `each_context` would gather for every page: the menu is our own."""
        return super().get_app_list(request, app_label) if app_label else []


site = BackofficeSite(name="admin")
# Staff sign in on the page for everybody: it limits attempts and checks second factors.
site.login = secure_admin_login(site.login)  # type: ignore[method-assign]


def register[PageType: type[ModelAdmin[Any]]](model: type[Model]) -> Callable[[PageType], PageType]:
    """Register the decorated `ModelAdmin` as the page of `model`."""

    def decorate(model_admin: PageType) -> PageType:
        site.register(model, model_admin)
        return model_admin

    return decorate
