"""The books in the back office, read-only. Only `tradepost.engine.ledger` moves money."""

import re
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tradepost.backoffice.ui import formatters
from tradepost.backoffice.ui.dates import DayFilter
from tradepost.backoffice.ui.pagination import COUNTED_MAX, IdChangeList, IdPaginator, UncountedListMixin
from tradepost.backoffice.ui.read_only import ReadOnlyMixin
from tradepost.backoffice.ui.site import register
from tradepost.backoffice.ui.unfold_admin import ChoicesDropdownFilter, ModelAdmin, RadioFilter
from tradepost.engine.ledger import TransferKind
from tradepost.ledger import transfers_by_side
from tradepost.ledger.models import LedgerAccount, Transfer

KIND_COLOURS = {TransferKind.CHARGE: "", TransferKind.TOP_UP: "success", TransferKind.ADJUSTMENT: "primary"}
REFUND_COLOUR = "warning"
ACCOUNTS_MAX = 100
_NUMBER = re.compile(r"#?(\d{1,18})")


class OwnerFilter(RadioFilter):
    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("customer", "Customers"), ("debt", "Customers below zero"), ("house", "The house"), ("test", "Tests")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        conditions = {
            "customer": Q(account__isnull=False, is_play=False),
            "debt": Q(balance__lt=0, is_play=False),
            "house": Q(account__isnull=True),
            "test": Q(account__isnull=False, is_play=True),
        }
        return queryset.filter(conditions.get(self.value() or "", Q()))


@register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[LedgerAccount]):
    list_display = ("id", "owner", "balance_shown", "credit_limit_shown")
    list_filter = (OwnerFilter,)
    list_filter_submit = True
    list_select_related = ("account__test_of",)
    ordering = ("-id",)
    search_fields = ("=id", "account__email", "name")
    search_help_text = "E-mail address or name"
    fields = readonly_fields = ("id", "account", "name", "is_play", "balance_shown", "credit_limit_shown")

    @admin.display(description="owner")
    def owner(self, ledger_account: LedgerAccount) -> str:
        return owner_name(ledger_account)

    @formatters.numeric_column("balance", ordering="balance")
    def balance_shown(self, ledger_account: LedgerAccount) -> SafeString:
        """Show a customer's balance. The house's balance is not stored, so that no row is contended."""
        return formatters.money(ledger_account.balance)

    @formatters.numeric_column("credit limit", ordering="credit_limit")
    def credit_limit_shown(self, ledger_account: LedgerAccount) -> SafeString:
        return formatters.money(ledger_account.credit_limit)


@register(Transfer)
class TransferAdmin(ReadOnlyMixin, UncountedListMixin, ModelAdmin[Transfer]):
    """Every movement of money, the newest first."""

    paginator = IdPaginator  # type: ignore[misc] # UncountedListMixin and Django declare it differently
    list_display = ("id", "moved_at", "kind_shown", "payer", "payee", "moved", "left", "order_id", "actor", "note")
    list_filter = (("kind", ChoicesDropdownFilter), ("at", DayFilter))
    list_filter_submit = True
    list_fullwidth = True
    list_select_related = ("debit__account__test_of", "credit__account__test_of")
    sortable_by = ()
    ordering = ("-id",)
    search_fields = ("id",)
    search_help_text = "Transfer or order id, or an e-mail address"
    moved_at = formatters.timestamp_column("at", "at")
    moved_exactly_at = formatters.timestamp_column("at", "at", exact=True)
    fields = readonly_fields = (
        "id", "moved_exactly_at", "kind_shown", "debit", "credit", "moved", "left", "order", "sequence",
        "actor", "note",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[IdChangeList]:
        return IdChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str
    ) -> tuple[QuerySet[Transfer], bool]:
        """Search by a transfer or order id, or by a customer's address. Each has an index."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if number := _NUMBER.fullmatch(term):
            return queryset.filter(_has_id(int(number[1]))), False
        return _transfers_of_customers(queryset, term, request.GET.get("kind__exact", "")), False

    @admin.display(description="kind")
    def kind_shown(self, transfer: Transfer) -> SafeString:
        kind = TransferKind(transfer.kind)
        return formatters.badge(kind.value, KIND_COLOURS.get(kind, REFUND_COLOUR))

    @admin.display(description="from (debit)")
    def payer(self, transfer: Transfer) -> str:
        return owner_name(transfer.debit)

    @admin.display(description="to (credit)")
    def payee(self, transfer: Transfer) -> str:
        return owner_name(transfer.credit)

    @formatters.numeric_column("amount")
    def moved(self, transfer: Transfer) -> SafeString:
        return formatters.money(transfer.amount)

    @formatters.numeric_column("balance after")
    def left(self, transfer: Transfer) -> SafeString:
        """Show the customer's balance, whether they paid or were paid."""
        return formatters.money(transfer.balance_after)


def owner_name(ledger_account: LedgerAccount) -> str:
    return str(ledger_account.account or ledger_account.name)


def _has_id(number: int) -> Q:
    return Q(pk=number) | Q(order_id=number)


def _transfers_of_customers(transfers: QuerySet[Transfer], term: str, kind: str) -> QuerySet[Transfer]:
    """Search each side of each account by its index, the newest first, and only as far as the list pages go."""
    customers = LedgerAccount.objects.filter(account__email__icontains=term)
    accounts = customers.values_list("pk", flat=True)[:ACCOUNTS_MAX]
    return transfers_by_side.newest_of_accounts(transfers, accounts, COUNTED_MAX, kind)
