"""Impersonation: how its changes are signed."""

from tradepost.accounts.models import Account, Impersonation


def test_an_actor_of_two_long_addresses_fits() -> None:
    long = f"{'c' * 60}@{'d' * 60}.example"
    account = Account.objects.create_user(long)
    signed = Impersonation(account=account, staff=Account(email=f"s{long}")).signature
    assert len(signed) <= 80
    assert signed.startswith("sccc")
    assert " as ccc" in signed
