"""API keys in the back office. Staff can name, limit and revoke a key, but neither create nor see one."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost import formats
from tradepost.accounts import delegation, keys, staff_mails
from tradepost.accounts.models import Account, Key
from tradepost.accounts.staff_mails import StaffMail
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.fresh_sign_in import require
from tradepost.backoffice.ui.pagination import UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import (
    ChoicesDropdownFilter,
    DialogForm,
    IntegerWidget,
    ModelAdmin,
    RadioFilter,
    TabularInline,
    TextWidget,
    dialog_button,
)
from tradepost.engine.keys import REQUESTS_A_MINUTE_MAX


class KeyLimitForm(DialogForm):
    """How many requests a minute a key may make."""

    requests_a_minute = forms.IntegerField(
        label="Requests a minute",
        required=False,
        min_value=0,
        max_value=REQUESTS_A_MINUTE_MAX,
        help_text="0: no limit. Empty: the desk's default.",
        widget=IntegerWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = Key.objects.filter(pk=kwargs["object_id"]).values_list("requests_a_minute", flat=True).first()
        self.fields["requests_a_minute"].initial = current


class KeyNameForm(DialogForm):
    name = forms.CharField(label="Name", max_length=100, required=False, widget=TextWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = Key.objects.filter(pk=kwargs["object_id"]).values_list("name", flat=True).first()
        self.fields["name"].initial = current


class KeyDisplayMixin:
    """Columns of a key. They show how a key begins, never the whole key."""

    used = formatters.ago_column("last_used_at", "last used")
    created = formatters.timestamp_column("created_at", "created")
    used_exactly = formatters.timestamp_column("last_used_at", "last used", exact=True)
    created_exactly = formatters.timestamp_column("created_at", "created", exact=True)
    revoked_exactly = formatters.timestamp_column("revoked_at", "revoked", exact=True)

    @admin.display(description="key", ordering="id")
    def hint_shown(self, key: Key) -> SafeString:
        return format_html('<code class="tp-nowrap">{}</code>', str(key))

    @admin.display(description="account")
    def owner(self, key: Key) -> SafeString | str:
        return links.account_link(key.account)

    @admin.display(description="allowed from")
    def networks_shown(self, key: Key) -> str:
        return ", ".join(key.networks) or "anywhere"

    @admin.display(description="limit")
    def limit_shown(self, key: Key) -> str:
        return key.limit_in_words

    @admin.display(description="state")
    def state(self, key: Key) -> SafeString:
        if key.revoked_at:
            return formatters.badge("revoked", "danger")
        return (
            formatters.badge("good", "success") if key.account.is_active else formatters.badge("suspended", "warning")
        )


class KeyInline(KeyDisplayMixin, ReadOnlyMixin, TabularInline[Key, Account]):
    """The account's keys. To revoke a key, staff open the key's own page."""

    model = Key
    fields = readonly_fields = (
        "hint_shown", "name", "scope", "networks_shown", "used", "created", "state", "revoke_link",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Key]:
        """Read the accounts too: a suspended account's keys are suspended."""
        return super().get_queryset(request).select_related("account__test_of")

    @admin.display(description="")
    def revoke_link(self, key: Key) -> SafeString | str:
        return "" if key.revoked_at else links.row_link(Key, key.pk, "Revoke…")


class KeyStateFilter(RadioFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("good", "Good"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(revoked_at__isnull=self.value() == "good") if self.value() else queryset


@register(Key)
class KeyAdmin(KeyDisplayMixin, ReadOnlyMixin, UncountedListMixin, ModelAdmin[Key]):
    """All keys. Staff can't create one: a new key can be shown only once, to its owner."""

    list_display = ("hint_shown", "account", "name", "scope", "networks_shown", "used", "created", "state")
    list_filter = (("scope", ChoicesDropdownFilter), KeyStateFilter)
    list_filter_submit = True
    list_select_related = ("account__test_of",)
    ordering = ("-id",)
    search_fields = ("prefix", "name", "account__email", "account__test_of__email")
    search_help_text = "Beginning of the key, name or e-mail address"
    actions = ("revoke_ticked",)
    actions_detail = ("rename", "limit", "revoke")
    readonly_fields = (
        "hint_shown", "state", "owner", "name", "scope", "networks_shown", "limit_shown",
        "created_exactly", "used_exactly", "revoked_exactly",
    )  # fmt: skip
    fields = (
        ("hint_shown", "state"), "owner", "name", ("scope", "networks_shown", "limit_shown"),
        ("created_exactly", "used_exactly", "revoked_exactly"),
    )  # fmt: skip

    def has_alter_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Allow users who may change keys to change those in use, but none of an account with more rights."""
        if not request.user.has_perm("accounts.change_key"):
            return False
        if object_id is None:
            return True
        key = self.get_object(request, object_id)
        return bool(key and key.revoked_at is None and delegation.may_change(request.user, key.account))

    @admin.action(description="Revoke", permissions=["alter"])
    def revoke_ticked(self, request: HttpRequest, queryset: QuerySet[Key]) -> None:
        """Revoke keys: each server refuses them from the next request on."""
        require(request)
        chosen = list(queryset)
        allowed = [key for key in chosen if delegation.may_change(request.user, key.account)]
        revoked = [key for key in allowed if self._revoke(request, key)]
        self.message_user(request, f"{formats.whole(len(revoked))} revoked.", messages.SUCCESS)
        if left := len(chosen) - len(allowed):
            left_alone = f"{formats.whole(left)} left alone: they belong to staff with more rights than you have."
            self.message_user(request, left_alone, messages.WARNING)

    @dialog_button(
        "Rename",
        permission="alter",
        title="What is this key called?",
        text="Its account sees the name in the panel, and gets an e-mail.",
        form=KeyNameForm,
        fresh=True,
    )
    def rename(self, request: HttpRequest, form: KeyNameForm, object_id: str) -> HttpResponse:
        key = get_object_or_404(Key, pk=object_id)
        with transaction.atomic():
            Key.objects.filter(pk=key.pk).update(name=form.cleaned_data["name"])
            staff_mails.send_later(key.account, StaffMail.KEY_RENAMED, key=str(key), name=form.cleaned_data["name"])
        self.log_change(request, key, f"Renamed from «{key.name}» to «{form.cleaned_data['name']}»")
        self.message_user(request, f"The key {key} has its new name.", messages.SUCCESS)
        return _redirect_to_key(key)

    @dialog_button(
        "Limit",
        permission="alter",
        title="How often may this key ask?",
        text="Each server, and the pages' process, holds it to that within 5 seconds of its next use. "
        "Requests beyond are answered 429.",
        form=KeyLimitForm,
        fresh=True,
    )
    def limit(self, request: HttpRequest, form: KeyLimitForm, object_id: str) -> HttpResponse:
        key = get_object_or_404(Key, pk=object_id)
        requests = form.cleaned_data["requests_a_minute"]
        if keys.set_limit(key.pk, requests):
            staff_mails.send_later(key.account, StaffMail.KEY_LIMITED, key=str(key), requests=requests)
            key.refresh_from_db()
            self.log_change(request, key, f"Limit set to {key.limit_in_words}")
            self.message_user(request, f"The limit of the key {key} is {key.limit_in_words}.", messages.SUCCESS)
        else:
            self.message_user(request, f"The key {key} was revoked before.", messages.WARNING)
        return _redirect_to_key(key)

    @dialog_button(
        "Revoke",
        permission="alter",
        title="Revoke this key?",
        text="Programs that use it are refused from their next request on. It can't be made good again.",
        danger=True,
        fresh=True,
    )
    def revoke(self, request: HttpRequest, form: DialogForm, object_id: str) -> HttpResponse:
        key = get_object_or_404(Key, pk=object_id)
        if self._revoke(request, key):
            self.message_user(request, f"The key {key} is revoked.", messages.SUCCESS)
        else:
            self.message_user(request, f"The key {key} was revoked before.", messages.WARNING)
        return _redirect_to_key(key)

    def _revoke(self, request: HttpRequest, key: Key) -> bool:
        revoked = keys.revoke(key.pk)
        if revoked:
            staff_mails.send_later(key.account, StaffMail.KEY_REVOKED, key=str(key))
            self.log_change(request, key, "Revoked")
        return revoked


def _redirect_to_key(key: Key) -> HttpResponse:
    """Make the dialog load the key's page again."""
    return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_key_change", args=[key.pk])})
