"""Accounts and keys in the back office."""

from tradepost.accounts.admin.accounts import AccountAdmin
from tradepost.accounts.admin.keys import KeyAdmin
from tradepost.accounts.admin.logins_as import ImpersonationAdmin

__all__ = ["AccountAdmin", "ImpersonationAdmin", "KeyAdmin"]
