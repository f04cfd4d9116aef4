"""Accounts and keys in the back office."""

from tradepost.accounts.admin.accounts import AccountAdmin
from tradepost.accounts.admin.keys import KeyAdmin

__all__ = ["AccountAdmin", "KeyAdmin"]
