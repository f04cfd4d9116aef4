"""The site settings in the back office: one form. A change applies from the next request on."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from tradepost import formats
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ModelAdmin
from tradepost.ledger.models import Transfer
from tradepost.site_settings.effective import PANEL_NAME
from tradepost.site_settings.limits import KEYS_MAX, LINES_MAX
from tradepost.site_settings.models import SIGN_UPS, SiteSettings


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    """The settings. Help texts say what applies while a field is empty."""

    class Meta:
        model = SiteSettings
        fields = (
            "panel_name", "contact_email", "contact_url", "headline", "intro", "notice", "payment_text", "terms",
            "currency", "sign_up", "requests_a_minute", "mass_order_lines_max", "keys_max",
        )  # fmt: skip
        help_texts = {
            "panel_name": f"Shown on every page. Empty: {PANEL_NAME}.",
            "currency": "Changing it does not convert rates. It is fixed once money has moved.",
            "contact_email": "Shown where a page asks people to contact you, in emails, and at the foot of every page.",
            "contact_url": "A chat or a contact form, shown in the same places.",
            "headline": "What you sell, in one sentence. Empty: Tradepost's own text, in the reader's language.",
            "intro": "Two or three sentences below it. Empty: Tradepost's own text, in the reader's language.",
            "notice": "Shown above every page of customers who have signed in. Addresses become links.",
            "payment_text": "Shown to customers where they add funds. Empty: TRADEPOST_PAYMENT_TEXT.",
            "terms": "The page /terms/, linked from the front page and the sign-in page. Empty: no page.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "sign_up" in self.fields:
            self._show_environment()
            lines, keys = self.fields["mass_order_lines_max"], self.fields["keys_max"]
            lines.help_text = f"Maximum lines per mass order (1–{formats.whole(LINES_MAX)})."
            keys.help_text = f"Maximum active keys per account (1–{formats.whole(KEYS_MAX)})."

    def _show_environment(self) -> None:
        """Show at each field what the environment sets, and whether that applies."""
        default_label = f"As TRADEPOST_SIGN_UP says: {dict(SIGN_UPS)[settings.TRADEPOST_SIGN_UP].lower()}"
        self.fields["sign_up"].widget.choices = [("", default_label), *SIGN_UPS]
        per_minute = settings.TRADEPOST_REQUESTS_A_MINUTE
        limit = formats.whole(per_minute) if per_minute else "any number"
        self.fields["requests_a_minute"].help_text = (
            "For keys without a limit of their own; 0 means no limit. Empty: TRADEPOST_REQUESTS_A_MINUTE, "
            f"{limit}. Each server, and the pages' process, counts for itself and holds keys to it within 5 seconds."
        )
        if self.instance.currency != settings.TRADEPOST_CURRENCY:
            note = f" TRADEPOST_CURRENCY says {settings.TRADEPOST_CURRENCY}, which applies to a new desk only."
            self.fields["currency"].help_text += note

    def clean_currency(self) -> str:
        """Refuse another currency once money has moved: every amount would change its meaning."""
        currency: str = self.cleaned_data["currency"].upper()
        if currency != SiteSettings.objects.get().currency and Transfer.objects.exists():
            raise forms.ValidationError("Money has moved: the currency of the books can't be changed any more.")
        return currency


@register(SiteSettings)
class SettingsAdmin(ModelAdmin[SiteSettings]):
    """The only row, shown without a list."""

    form = SettingsForm
    fieldsets = (
        ("Panel", {"fields": ("panel_name", "notice", "payment_text", "terms")}),
        ("Contact", {"fields": (("contact_email", "contact_url"),)}),
        ("Front page", {"fields": ("headline", "intro")}),
        ("Business", {"fields": (("currency", "sign_up"),)}),
        ("Limits", {"fields": ("requests_a_minute", ("mass_order_lines_max", "keys_max"))}),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect users who may view the settings to the form."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        return redirect("admin:site_settings_sitesettings_change", SiteSettings.objects.get().pk)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: there is only one row."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SiteSettings | None = None) -> bool:
        """Return False: the desk needs the row."""
        return False
