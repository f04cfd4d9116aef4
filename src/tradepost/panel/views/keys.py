"""A customer's API keys: creating, listing and revoking them. A key's text is shown only once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tradepost.accounts import keys
from tradepost.accounts.models import Account, Key
from tradepost.engine.keys import Scope, tidy_network
from tradepost.panel.requests import customer
from tradepost.site_settings import effective as site_settings

NETWORKS_MAX = 50
NETWORK_CHARS_SHOWN = 60


class KeyForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100, required=False)
    scope = forms.ChoiceField(
        label=gettext_lazy("Permissions"),
        choices=[
            (Scope.ORDER.value, gettext_lazy("Full access")),
            (Scope.READ.value, gettext_lazy("Read only")),
        ],
    )
    networks = forms.CharField(
        label=gettext_lazy("Allowed IP addresses"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For example 203.0.113.7 or 10.0.0.0/8. Leave empty to allow any."),
    )
    test = forms.BooleanField(label=gettext_lazy("Test key (no real orders or charges)"), required=False)

    def clean_networks(self) -> list[str]:
        """Return the networks, which the customer separates by blanks, commas or lines."""
        networks = self.cleaned_data["networks"].replace(",", " ").split()
        if len(networks) > NETWORKS_MAX:
            raise forms.ValidationError(_("At most %d networks.") % NETWORKS_MAX)
        return [_tidy(network) for network in networks]


@never_cache
def api_keys(request: HttpRequest) -> HttpResponse:
    """List the keys, or create one. Only the answer to that request shows the new key."""
    account = customer(request)
    form = KeyForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        keys_max = site_settings.for_request(request).keys_max
        if _count_valid(account) < keys_max:
            context |= {"made": _create(account, form), "form": KeyForm()}
        else:
            form.add_error(None, _("At most %d active keys. Revoke one first.") % keys_max)
    context["keys"] = keys.owned_by(account).select_related("account").order_by("revoked_at", "-id")
    return render(request, "panel/keys.html", context)


@require_POST
def revoke(request: HttpRequest, key: int) -> HttpResponse:
    """Revoke a key of the customer. Another customer's key is a 404."""
    account = customer(request)
    own = get_object_or_404(Key, Q(account=account) | Q(account__test_of=account), pk=key)
    keys.revoke(own.pk)
    messages.success(request, _("Key revoked. Programs that use it can no longer sign in."))
    return redirect("panel:keys")


def _tidy(network: str) -> str:
    try:
        return tidy_network(network)
    except ValueError:
        sentence = _("“%s” is not an IP address or network. Enter something like 203.0.113.7 or 10.0.0.0/8.")
        raise forms.ValidationError(sentence % network[:NETWORK_CHARS_SHOWN]) from None


def _create(account: Account, form: KeyForm) -> str:
    data = form.cleaned_data
    return keys.create(
        account, name=data["name"], scope=Scope(data["scope"]), networks=data["networks"], test=data["test"]
    )


def _count_valid(account: Account) -> int:
    return keys.owned_by(account).filter(revoked_at=None).count()
