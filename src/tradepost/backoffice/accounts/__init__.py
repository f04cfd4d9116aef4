"""Accounts and keys in the back office."""
