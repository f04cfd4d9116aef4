"""The ledger in the back office: the books to read, payments by hand, and who may make them."""

from tradepost.ledger.admin.books import LedgerAccountAdmin, TransferAdmin
from tradepost.ledger.admin.limits import PaymentLimitAdmin
from tradepost.ledger.admin.payments import ManualPaymentAdmin

__all__ = ["LedgerAccountAdmin", "ManualPaymentAdmin", "PaymentLimitAdmin", "TransferAdmin"]
