"""The settings page: name, language, time zone and appearance, which are stored with the account."""

import zoneinfo
from functools import cache

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tradepost.accounts.models import Account


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    timezone = forms.CharField(label=_("Time zone"), widget=forms.TextInput(attrs={"list": "zones"}), max_length=64)

    class Meta:
        model = Account
        fields = ("name", "language", "timezone", "theme")
        labels = {"name": _("Name"), "language": _("Language"), "theme": _("Appearance")}  # noqa: RUF012 - Django's way

    def clean_timezone(self) -> str:
        zone: str = self.cleaned_data["timezone"]
        if zone not in zones():
            raise forms.ValidationError(_("There is no such time zone."))
        return zone


def settings_page(request: HttpRequest) -> HttpResponse:
    """Show and store the user's preferences. The page also links to password, second factor and sessions."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(form.instance.language or None):
            messages.success(request, translation.gettext("Your settings are saved."))
        return redirect("panel:settings")
    return render(request, "panel/settings.html", {"form": form, "zones": zones()})


@cache
def zones() -> list[str]:
    """Return the names of all time zones."""
    return sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})
