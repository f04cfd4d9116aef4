"""The settings page: name, language, time zone and appearance, which are stored with the account."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from tradepost import formats
from tradepost.accounts.models import Account


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg] # not generic when it runs
    timezone = forms.CharField(
        label=_("Time zone"),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        max_length=100,
        required=False,
        help_text=_("Type a city. Leave empty to use the time zone of your browser."),
    )

    class Meta:
        model = Account
        fields = ("name", "language", "timezone", "theme")
        labels = {"name": _("Name"), "language": _("Language"), "theme": _("Appearance")}  # noqa: RUF012 - Django's way

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.timezone:
            self.initial["timezone"] = formats.zone_label(self.instance.timezone)

    def clean_timezone(self) -> str:
        """Return the zone that is meant: a name such as `America/New_York`, or a city."""
        typed: str = self.cleaned_data["timezone"]
        zone = formats.find_zone(typed) if typed else ""
        if zone is None:
            raise forms.ValidationError(_("Choose a time zone from the list."))
        return zone


def settings_page(request: HttpRequest) -> HttpResponse:
    """Show and store the user's preferences. The page also links to password, second factor and sessions."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        with translation.override(form.instance.language or None):
            messages.success(request, translation.gettext("Your settings are saved."))
        return redirect("panel:settings")
    context = {"form": form, "zones": formats.zone_choices(translation.get_language())}
    return render(request, "panel/settings.html", context)
