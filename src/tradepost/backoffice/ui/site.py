"""The back office as an admin site of its own. Only our areas register pages here."""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django.db.models import Model

from tradepost.backoffice.ui.unfold_admin import AdminSite, ModelAdmin

site = AdminSite(name="admin")
# Staff sign in on the page for everybody: it limits attempts and checks second factors.
site.login = secure_admin_login(site.login)  # type: ignore[method-assign]


def register[PageType: type[ModelAdmin[Any]]](model: type[Model]) -> Callable[[PageType], PageType]:
    """Register the decorated `ModelAdmin` as the page of `model`."""

    def decorate(model_admin: PageType) -> PageType:
        site.register(model, model_admin)
        return model_admin

    return decorate
