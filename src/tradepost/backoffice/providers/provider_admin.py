"""Providers in the back office: their settings, how they do, and buttons that send them requests."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.decimal_fields import PlainDecimalsMixin
from tradepost.backoffice.ui.fresh_sign_in import fresh_form, require
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import DialogForm, ModelAdmin, PasswordWidget, dialog_button, link_button
from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine import dispatch_queue
from tradepost.fulfilment import provider_pause
from tradepost.fulfilment.tasks import provider_sync
from tradepost.providers import service_sync
from tradepost.providers.client import PLAIN_HTTP
from tradepost.providers.models import UNKNOWN_REFUSALS_MAX, Provider, ProviderService, RoutePause
from tradepost.providers.snapshot import ProviderUnreachableError, fetch_snapshot

PAUSES_SHOWN_MAX = 50

SYNCING = "syncing"  # in the address of a provider's page that waits for a sync
NO_CONTENT = 204


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg] # not generic at run time
    """A provider. Its key can be entered, but is never shown again."""

    key = forms.CharField(
        label="API key",
        required=False,
        max_length=500,
        widget=PasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Encrypted when saved, and never shown again. Leave empty to keep the current key.",
    )

    def clean_key(self) -> str:
        """Require a key if none is stored yet."""
        key: str = self.cleaned_data["key"].strip()
        if not key and not self.instance.encrypted_key:
            raise forms.ValidationError("A provider is asked by a key.")
        return key

    def clean_url(self) -> str:
        """Refuse plain http where the operator has not allowed it. A stored address is left: it is shown as trouble."""
        url: str = self.cleaned_data["url"]
        if "url" in self.changed_data and urlsplit(url).scheme != "https" and not settings.TRADEPOST_PROVIDERS_HTTP:
            raise forms.ValidationError(f"{PLAIN_HTTP} The operator may set TRADEPOST_PROVIDERS_HTTP=allow.")
        return url

    def clean_unknown_refusals_max(self) -> int:
        """Take the default if nothing was entered."""
        entered: int | None = self.cleaned_data["unknown_refusals_max"]
        return entered or UNKNOWN_REFUSALS_MAX

    def clean_currency(self) -> str:
        currency: str = self.cleaned_data["currency"].upper()
        if not (currency.isascii() and currency.isalpha() and len(currency) == 3):  # noqa: PLR2004 - ISO 4217
            raise forms.ValidationError("Three letters, like USD.")
        return currency


@register(Provider)
class ProviderAdmin(PlainDecimalsMixin, ModelAdmin[Provider]):
    """The panels that deliver. A provider that has ever listed services can't be deleted, only paused."""

    form = ProviderForm
    list_display = ("name", "state", "balance_shown", "failed", "latency", "services_count", "synced")
    search_fields = ("name", "url")
    search_help_text = "Name or address"
    actions_detail = ("import_some", "test_connection", "sync_now", "pause", "resume")
    synced = formatters.ago_column("synced_at", "list read")
    requests_shown = formatters.count_column("requests", "requests")
    synced_exactly = formatters.timestamp_column("synced_at", "list read", exact=True)
    balance_exactly_at = formatters.timestamp_column("balance_at", "balance read", exact=True)
    change_form_outer_before_template = "backoffice/providers/syncing.html"
    readonly_fields = (
        "state", "trouble_shown", "paused_routes", "sync_error_shown", "balance_error_shown", "balance_shown",
        "balance_exactly_at", "synced_exactly", "failed", "latency", "requests_shown",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("name", "url", "key", ("currency", "exchange_rate"))}),
        ("Limits", {"fields": (("requests_a_second", "parallel_requests"), "supports_idempotency_keys")}),
        ("Alerts", {"fields": (("low_balance", "price_rise_percent_max"), "unknown_refusals_max")}),
    )
    standing_fieldset = (
        "How it is",
        {
            "fields": (
                "state", "trouble_shown", "paused_routes", "sync_error_shown", "balance_error_shown",
                ("balance_shown", "balance_exactly_at"),
                ("synced_exactly", "requests_shown"), ("failed", "latency"),
            )
        },
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Provider | None = None) -> Any:
        """Show how a provider does on its change page only."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is None else (self.standing_fieldset, *fieldsets)

    def get_form(self, request: HttpRequest, obj: Provider | None = None, change: bool = False, **kwargs: Any) -> Any:
        """Take a key, or the address that it is sent to, after a fresh sign-in only."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return fresh_form(form, request, fields=frozenset({"key", "url"}))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Ask before the form opens that has a key in any case."""
        if request.method != "POST" and self.has_add_permission(request):
            require(request)
        return super().add_view(request, form_url, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Provider]:
        listed = Count("services", filter=Q(services__is_delisted=False))
        return super().get_queryset(request).annotate(services_total=listed)

    def save_model(self, request: HttpRequest, obj: Provider, form: Any, change: bool) -> None:
        """Write only the edited columns: workers write to other columns of the row while the form is open."""
        key = form.cleaned_data["key"]
        if key:
            obj.key = key
        if not change:
            obj.save()
            return
        changed_fields = [name for name in form.changed_data if name != "key"]
        obj.save(update_fields=[*changed_fields, *(["encrypted_key"] if key else [])])
        if "exchange_rate" in changed_fields:
            result = service_sync.sync_services(obj.pk, {})
            text = (
                f"{formats.whole(result.changed)} services changed with the exchange rate, "
                f"{formats.whole(result.quarantined)} went into quarantine."
            )
            self.message_user(request, text, messages.WARNING if result.quarantined else messages.INFO)

    def has_delete_permission(self, request: HttpRequest, obj: Provider | None = None) -> bool:
        """Allow deleting a provider only while no service of it is known."""
        return super().has_delete_permission(request, obj) and (obj is None or not obj.services.exists())

    def has_ask_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change providers."""
        return request.user.has_perm("providers.change_provider")

    def has_pause_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change providers to pause one that is running."""
        return self.has_ask_permission(request) and not _is_paused(object_id)

    def has_resume_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change providers to resume a paused one."""
        return self.has_ask_permission(request) and _is_paused(object_id)

    def has_import_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may view provider services."""
        return request.user.has_perm("providers.view_providerservice")

    @admin.display(description="state")
    def state(self, provider: Provider) -> SafeString:
        if provider.is_paused:
            return formatters.badge("paused", "warning")
        if provider.last_error:
            return formatters.badge("trouble", "danger")
        return (
            formatters.badge("list not read", "warning") if provider.sync_error else formatters.badge("good", "success")
        )

    @admin.display(description="trouble")
    def trouble_shown(self, provider: Provider) -> str:
        """Show why nothing is sent to the provider, and when it is tried again."""
        until = f" Tried again at {formats.exact_moment(provider.retry_at)}." if provider.retry_at else ""
        return f"{provider.last_error}{until}" if provider.last_error else formats.NOTHING

    @admin.display(description="last balance error")
    def balance_error_shown(self, provider: Provider) -> str:
        return provider.balance_error or formats.NOTHING

    @admin.display(description="services that wait")
    def paused_routes(self, provider: Provider) -> SafeString | str:
        """List the services that the provider refuses for now, with its words."""
        paused = RoutePause.objects.filter(route__provider_service__provider=provider, until__isnull=False)
        rows = [
            (links.row_link(Service, pause.route.service_id, pause.route.service), pause.reason)
            for pause in paused.select_related("route__service").order_by("route__service")[:PAUSES_SHOWN_MAX]
        ]
        return format_html_join("", "<p>{}: {}</p>", rows) or formats.NOTHING

    @admin.display(description="last sync error")
    def sync_error_shown(self, provider: Provider) -> str:
        return provider.sync_error or formats.NOTHING

    @formatters.numeric_column("balance")
    def balance_shown(self, provider: Provider) -> SafeString | str:
        """Show the balance in the provider's currency: red if it is low."""
        if provider.balance is None:
            return formats.NOTHING
        balance = formats.money_html(provider.balance, provider.currency)
        is_low = provider.low_balance is not None and provider.balance < provider.low_balance
        return formatters.badge(balance, "danger") if is_low else balance

    @formatters.numeric_column("unclear answers")
    def failed(self, provider: Provider) -> str:
        """Show the share of requests without a clear answer."""
        if not provider.requests:
            return formats.NOTHING
        return formats.column_percent(Decimal(provider.failures) / provider.requests)

    @formatters.numeric_column("mean latency")
    def latency(self, provider: Provider) -> str:
        if not provider.requests:
            return formats.NOTHING
        return formats.milliseconds(provider.request_milliseconds / provider.requests)

    @formatters.numeric_column("sells")
    def services_count(self, provider: Provider) -> SafeString | str:
        """Link to the services that the provider lists."""
        total = formats.whole(provider.services_total)  # type: ignore[attr-defined] # annotated above
        return links.list_link(ProviderService, total, provider__id__exact=provider.pk)

    @link_button("Import services…", permission="import")
    def import_some(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Redirect to the provider's services that are not imported yet."""
        return redirect(f"{_services_url(int(object_id))}&imported=no&is_delisted__exact=0")

    @dialog_button(
        "Test connection",
        permission="ask",
        title="Ask this provider?",
        text="Reads its services and its balance with its key. Nothing is ordered.",
    )
    def test_connection(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        """Show what the provider answers. If it answers, try it again at once after an earlier error."""
        provider = get_object_or_404(Provider, pk=object_id)
        try:
            snapshot = fetch_snapshot(provider)
        except ProviderUnreachableError as error:
            self.message_user(request, str(error), messages.ERROR)
            return _redirect_to_provider(provider)
        with transaction.atomic():
            provider_pause.lift(provider.pk)
            if snapshot.balance:
                provider_pause.note_balance(provider.pk, snapshot.balance.balance)
            dispatch_queue.defer_visits(engine_connection(), [provider.pk])
        services = formats.whole(len(snapshot.services))
        if snapshot.balance is None:
            text = f"It lists {services} services, but its balance can't be read. {snapshot.balance_error}"
            self.message_user(request, text, messages.WARNING)
            return _redirect_to_provider(provider)
        currency = snapshot.balance.currency or provider.currency
        balance = formats.exact_money(snapshot.balance.balance, currency)
        self.message_user(request, f"It answers: {services} services, balance {balance}.", messages.SUCCESS)
        if currency != provider.currency:
            text = f"The provider's balance is in {currency}, but its currency here is {provider.currency}."
            self.message_user(request, text, messages.WARNING)
        return _redirect_to_provider(provider)

    @dialog_button(
        "Sync now",
        permission="ask",
        title="Read its list now?",
        text="That is done each hour anyway. Services that follow this provider change with it.",
    )
    def sync_now(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        provider = get_object_or_404(Provider, pk=object_id)
        provider_sync.defer_sync(provider.pk)
        address = reverse("admin:providers_provider_change", args=[provider.pk])
        return HttpResponse(headers={"HX-Redirect": f"{address}?{SYNCING}=1"})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """While a sync that staff asked for goes on, say so, and load the page again once it is over."""
        if SYNCING not in request.GET or not object_id.isdecimal() or not self.has_view_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        is_syncing = provider_sync.is_syncing(int(object_id))
        if request.headers.get("HX-Request") and request.method == "GET":
            return HttpResponse(status=NO_CONTENT) if is_syncing else self._show_synced(request, object_id)
        context = {"is_syncing": True, "syncing_address": request.get_full_path(), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def _show_synced(self, request: HttpRequest, object_id: str) -> HttpResponse:
        provider = get_object_or_404(Provider, pk=object_id)
        if provider.sync_error:
            self.message_user(request, f"The list could not be read: {provider.sync_error}", messages.ERROR)
        else:
            listed = provider.services.filter(is_delisted=False).count()
            self.message_user(request, f"The list is read: {formats.whole(listed)} services.", messages.SUCCESS)
        return _redirect_to_provider(provider)

    @dialog_button(
        "Pause",
        permission="pause",
        title="Pause this provider?",
        text="Nothing is sent to it any more, and its orders wait. Those that are there are not asked about either.",
        danger=True,
    )
    def pause(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._set_paused(request, object_id, is_paused=True)

    @dialog_button(
        "Resume",
        permission="resume",
        title="Let this provider go on?",
        text="The orders that wait for it are sent at once.",
    )
    def resume(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        return self._set_paused(request, object_id, is_paused=False)

    def _set_paused(self, request: HttpRequest, object_id: str, *, is_paused: bool) -> HttpResponse:
        provider = get_object_or_404(Provider, pk=object_id)
        done = "Paused" if is_paused else "Resumed"
        with transaction.atomic():
            Provider.objects.filter(pk=provider.pk).update(is_paused=is_paused)
            if not is_paused:
                provider_pause.lift(provider.pk)
                dispatch_queue.defer_visits(engine_connection(), [provider.pk])
            self.log_change(request, provider, done)
        self.message_user(request, f"{done}.", messages.SUCCESS)
        return _redirect_to_provider(provider)


def _is_paused(provider: str | None) -> bool:
    return Provider.objects.filter(pk=int(provider), is_paused=True).exists() if provider else False


def _services_url(provider: int) -> str:
    address = reverse("admin:providers_providerservice_changelist")
    return f"{address}?{urlencode({'provider__id__exact': provider})}"


def _redirect_to_provider(provider: Provider) -> HttpResponse:
    """Make the dialog load the provider's page again."""
    return HttpResponse(headers={"HX-Redirect": reverse("admin:providers_provider_change", args=[provider.pk])})
