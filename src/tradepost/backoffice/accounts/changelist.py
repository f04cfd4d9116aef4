"""The list of accounts: what is shown beside each, how it is searched and narrowed down."""

import re
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tradepost.accounts.models import Account, Key
from tradepost.backoffice.accounts import spending
from tradepost.backoffice.accounts.spending import Spending
from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.pagination import NewestChangeList
from tradepost.backoffice.ui.unfold_admin import DialogForm, PasswordWidget, RadioFilter, dialog_button
from tradepost.engine import keys
from tradepost.id_ranges import first_id_since
from tradepost.orders.models import Order

WHOLE_KEY = re.compile(r"\s*tp_(live|test)_\S{20,}\s*")
KEY_CHARS_MAX = 200
KEYS_MAX = 1_000
ID_DIGITS_MAX = 18


class AccountList(NewestChangeList):
    """A page of accounts with what each has spent: one statement more, whatever there is to show."""

    def get_results(self, request: HttpRequest) -> None:
        """Look the page's rows up, and theirs."""
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = spending.of([account.pk for account in self.result_list])
        for account in self.result_list:
            account.spending = found[account.pk]


class MoneyFilter(RadioFilter):
    """Who has money, owes some, or may owe some."""

    title = "money"
    parameter_name = "money"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer them."""
        return [("some", "With money"), ("none", "Without money"), ("debt", "In debt"), ("credit", "With credit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down."""
        chosen = {
            "some": Q(ledger_account__balance__gt=0),
            "none": Q(ledger_account__balance__lte=0),
            "debt": Q(ledger_account__balance__lt=0),
            "credit": Q(ledger_account__credit_limit__gt=0),
        }
        return queryset.filter(chosen.get(self.value() or "", Q()))


class InactiveFilter(RadioFilter):
    """Who has neither signed in, nor used a key, nor ordered for so long."""

    title = "not seen for"
    parameter_name = "inactive"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer some spans."""
        return [(str(days), f"{days} days") for days in (7, 30, 90, 180, 365)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down; the newest order of each is asked for last, by its index."""
        value = self.value() or ""
        if not value.isascii() or not value.isdigit() or len(value) > len("9999"):
            return queryset
        since = timezone.now() - timedelta(days=int(value))
        newest = Order.objects.filter(account=OuterRef("pk")).order_by("-pk").values("pk")[:1]
        narrowed: QuerySet[Any] = (
            queryset.filter(Q(last_login=None) | Q(last_login__lt=since), created_at__lt=since)
            .exclude(Exists(Key.objects.filter(account=OuterRef("pk"), last_used_at__gte=since)))
            .exclude(Exists(UserSession.objects.filter(user=OuterRef("pk"), last_seen_at__gte=since)))
            .alias(newest_order=Subquery(newest))
            .filter(Q(newest_order=None) | Q(newest_order__lt=first_id_since("orders_order", "created_at", since)))
        )
        return narrowed


class KeyForm(DialogForm):
    """An API key, whole; it is looked up by its digest, and neither kept nor put into an address."""

    key = forms.CharField(label="API key", max_length=KEY_CHARS_MAX, widget=PasswordWidget)


class AccountListMixin:
    """Put before the accounts' admin: its list."""

    list_display: Any = (
        "email", "state", "balance", "spent_recently", "spent", "orders", "last_order", "last_seen", "credit_limit",
        "name", "joined",
    )  # fmt: skip
    actions_list = ("find_by_key",)
    search_help_text: Any = "E-mail address, name, id, or how a key begins"
    joined = formatters.timestamp_column("created_at", "joined")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List the newest, and what they have spent."""
        return AccountList

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Account],
        search_term: str,
    ) -> tuple[QuerySet[Account], bool]:
        """Search by what the term looks like: an id, how a key begins, or part of an address or a name."""
        term = search_term.strip()
        return (queryset.filter(_matches(term)) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; a whole key that was searched for is dropped from the address, and not looked for."""
        if WHOLE_KEY.fullmatch(request.GET.get("q", "")):
            text = (
                "A key doesn't belong into an address, which is kept in many places. Use «Find by key», or revoke it."
            )
            messages.warning(request, text)
            return redirect("admin:accounts_account_changelist")
        response: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc] # a mixin
        return response

    @dialog_button(
        "Find by key",
        permission="view",
        title="Whose key is it?",
        text="The whole key. It goes by POST, is looked up by its digest, and is written down nowhere.",
        form=KeyForm,
    )
    def find_by_key(self, request: HttpRequest, form: KeyForm) -> HttpResponse:
        """Lead to the page of the account."""
        found = (
            Key.objects.filter(digest=keys.digest(form.cleaned_data["key"].strip())).select_related("account").first()
        )
        if found is None:
            messages.warning(request, "There is no such key.")
            return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_changelist")})
        if found.revoked_at:
            messages.warning(request, f"The key {found} is revoked.")
        account = found.account.test_of_id or found.account_id
        return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_change", args=[account])})

    @admin.display(description="state", ordering="is_active")
    def state(self, account: Account) -> SafeString:
        """Tell whether it is suspended, and whether it may open the back office."""
        state = formatters.badge("active", "success") if account.is_active else formatters.badge("suspended", "danger")
        return format_html("{} {}", state, formatters.badge("staff", "primary")) if account.is_staff else state

    @formatters.numeric_column("balance", ordering="ledger_account__balance")
    def balance(self, account: Account) -> str:
        """Show what it has to spend."""
        return formatters.amount(account.ledger_account.balance)

    @formatters.numeric_column("credit limit", ordering="ledger_account__credit_limit")
    def credit_limit(self, account: Account) -> str:
        """Show how far below zero its balance may go."""
        limit = account.ledger_account.credit_limit
        return formatters.amount(limit) if limit else formatters.NOTHING

    @formatters.numeric_column("spent, 30 days")
    def spent_recently(self, account: Account) -> str:
        """Show what it has spent of late, after refunds."""
        return formatters.amount(_spending(account).spent_recently)

    @formatters.numeric_column("spent")
    def spent(self, account: Account) -> str:
        """Show what it has ever spent, after refunds."""
        return formatters.amount(_spending(account).spent)

    @formatters.numeric_column("orders")
    def orders(self, account: Account) -> SafeString:
        """Lead to its orders."""
        address = f"{reverse('admin:orders_order_changelist')}?account={account.pk}"
        return format_html('<a class="tp-link" href="{}">{}</a>', address, _spending(account).orders_shown)

    @admin.display(description="last order")
    def last_order(self, account: Account) -> SafeString | str:
        """Show when it ordered last."""
        return formatters.timestamp(_spending(account).ordered_at)

    @admin.display(description="last seen", ordering=F("last_login").desc(nulls_last=True))
    def last_seen(self, account: Account) -> SafeString | str:
        """Show when it signed in last, or used a key."""
        return formatters.timestamp(_spending(account).seen_at)


def _spending(account: Account) -> Spending:
    found: Spending = account.spending  # type: ignore[attr-defined] # set by `AccountList`
    return found


def _matches(term: str) -> Q:
    if term.startswith(keys.PREFIX):
        named = Key.objects.filter(prefix__startswith=term[: keys.SHOWN_CHARS])
        holders = named.values_list("account", "account__test_of")[:KEYS_MAX]
        return Q(pk__in={test_of or account for account, test_of in holders})
    said = Q(email__icontains=term) | Q(name__icontains=term)
    return said | Q(pk=int(term)) if term.isascii() and term.isdigit() and len(term) <= ID_DIGITS_MAX else said
