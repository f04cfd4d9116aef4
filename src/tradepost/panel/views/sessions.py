"""The page of the devices on which the user is signed in."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.usersessions.views import ListUserSessionsView

from tradepost.accounts.sign_in_forms import EndSessionsForm


class SessionsView(ListUserSessionsView):  # type: ignore[misc] # published without types
    """Lists the sessions, and ends one of them, or all others. Of a place, only the network address is known."""

    form_class = EndSessionsForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the address that this request comes from."""
        return {**super().get_context_data(**kwargs), "here": get_adapter().get_client_ip(self.request)}
