"""The list of accounts: its columns, search and filters."""

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

from tradepost import formats
from tradepost.accounts.models import Account, Key
from tradepost.backoffice.accounts import spending
from tradepost.backoffice.accounts.spending import AccountSpending
from tradepost.backoffice.ui import formatters, links
from tradepost.backoffice.ui.pagination import NewestChangeList
from tradepost.backoffice.ui.unfold_admin import DialogForm, PasswordWidget, RadioFilter, dialog_button
from tradepost.engine import keys
from tradepost.id_ranges import first_id_since
from tradepost.orders.models import Order

WHOLE_KEY = re.compile(r"\s*tp_(live|test)_\S{20,}\s*")
KEY_CHARS_MAX = 200
KEYS_MAX = 1_000
ID_DIGITS_MAX = 18


class AccountChangeList(NewestChangeList):
    """A page of accounts with what each has spent, read by one query more."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        spending_of = spending.spending_by_account([account.pk for account in self.result_list])
        for account in self.result_list:
            account.spending = spending_of[account.pk]


class MoneyFilter(RadioFilter):
    """Accounts by balance, debt or credit limit."""

    title = "money"
    parameter_name = "money"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("some", "With money"), ("none", "Without money"), ("debt", "In debt"), ("credit", "With credit")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            "some": Q(ledger_account__balance__gt=0),
            "none": Q(ledger_account__balance__lte=0),
            "debt": Q(ledger_account__balance__lt=0),
            "credit": Q(ledger_account__credit_limit__gt=0),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


class InactiveFilter(RadioFilter):
    """Accounts that have not signed in, used a key or ordered for some days."""

    title = "not seen for"
    parameter_name = "inactive"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(days), f"{days} days") for days in (7, 30, 90, 180, 365)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list down. The newest order of an account is looked up last, by an index."""
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


class FindByKeyForm(DialogForm):
    """A whole API key. It is looked up by its digest, and neither stored nor put into a URL."""

    key = forms.CharField(label="API key", max_length=KEY_CHARS_MAX, widget=PasswordWidget)


class AccountListMixin:
    """Adds the columns, the search and «Find by key» to the list of accounts."""

    list_display: Any = (
        "email", "state", "balance", "spent_recently", "spent", "orders", "last_order", "last_seen", "credit_limit",
        "name", "joined",
    )  # fmt: skip
    actions_list = ("find_by_key",)
    search_help_text: Any = "E-mail address, name, id, or how a key begins"
    joined = formatters.timestamp_column("created_at", "joined")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountChangeList

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Account],
        search_term: str,
    ) -> tuple[QuerySet[Account], bool]:
        """Search by what the term looks like: an id, how a key begins, or part of an address or a name."""
        term = search_term.strip()
        return (queryset.filter(_search_condition(term)) if term else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list. If the search term is a whole key, do not search: redirect to a URL without the key."""
        if WHOLE_KEY.fullmatch(request.GET.get("q", "")):
            text = (
                "A key doesn't belong into an address, which is kept in many places. Use «Find by key», or revoke it."
            )
            messages.warning(request, text)
            return redirect("admin:accounts_account_changelist")
        response: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc] # defined by ModelAdmin
        return response

    @dialog_button(
        "Find by key",
        permission="view",
        title="Whose key is it?",
        text="The whole key. It goes by POST, is looked up by its digest, and is written down nowhere.",
        form=FindByKeyForm,
    )
    def find_by_key(self, request: HttpRequest, form: FindByKeyForm) -> HttpResponse:
        key = Key.objects.filter(digest=keys.digest(form.cleaned_data["key"].strip())).select_related("account").first()
        if key is None:
            messages.warning(request, "There is no such key.")
            return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_changelist")})
        if key.revoked_at:
            messages.warning(request, f"The key {key} is revoked.")
        account = key.account.test_of_id or key.account_id
        return HttpResponse(headers={"HX-Redirect": reverse("admin:accounts_account_change", args=[account])})

    @admin.display(description="state", ordering="is_active")
    def state(self, account: Account) -> SafeString:
        """Show whether the account is suspended, and whether it is staff."""
        state = formatters.badge("active", "success") if account.is_active else formatters.badge("suspended", "danger")
        return format_html("{} {}", state, formatters.badge("staff", "primary")) if account.is_staff else state

    @formatters.numeric_column("balance", ordering="ledger_account__balance")
    def balance(self, account: Account) -> SafeString:
        return formatters.money(account.ledger_account.balance)

    @formatters.numeric_column("credit limit", ordering="ledger_account__credit_limit")
    def credit_limit(self, account: Account) -> SafeString | str:
        limit = account.ledger_account.credit_limit
        return formatters.money(limit) if limit else formats.NOTHING

    @formatters.numeric_column("spent, 30 days")
    def spent_recently(self, account: Account) -> SafeString:
        return formatters.money(_spending(account).spent_recently)

    @formatters.numeric_column("spent")
    def spent(self, account: Account) -> SafeString:
        return formatters.money(_spending(account).spent)

    @formatters.numeric_column("orders")
    def orders(self, account: Account) -> SafeString | str:
        return links.list_link(Order, _spending(account).orders_shown, account=account.pk)

    @admin.display(description="last order")
    def last_order(self, account: Account) -> SafeString:
        return formats.ago_html(_spending(account).ordered_at)

    @admin.display(description="last seen", ordering=F("last_login").desc(nulls_last=True))
    def last_seen(self, account: Account) -> SafeString:
        """Show the latest sign-in or use of a key."""
        return formats.ago_html(_spending(account).seen_at)


def _spending(account: Account) -> AccountSpending:
    account_spending: AccountSpending = account.spending  # type: ignore[attr-defined] # set by `AccountChangeList`
    return account_spending


def _search_condition(term: str) -> Q:
    if term.startswith(keys.PREFIX):
        matching_keys = Key.objects.filter(prefix__startswith=term[: keys.SHOWN_CHARS])
        holders = matching_keys.values_list("account", "account__test_of")[:KEYS_MAX]
        return Q(pk__in={test_of or account for account, test_of in holders})
    condition = Q(email__icontains=term) | Q(name__icontains=term)
    return (
        condition | Q(pk=int(term)) if term.isascii() and term.isdigit() and len(term) <= ID_DIGITS_MAX else condition
    )
