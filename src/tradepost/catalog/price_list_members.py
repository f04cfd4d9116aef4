"""Putting many accounts on a price list at once, by e-mail addresses that staff pastes."""

import re
from collections.abc import Iterable

import msgspec
from django.db import transaction

from tradepost.accounts.models import Account
from tradepost.catalog.models import PriceList, PriceListMember

ADDRESSES_MAX = 5_000

_SEPARATORS = re.compile(r"[\s,;<>\"]+")


class MembershipPlan(msgspec.Struct, frozen=True):
    """What would happen to pasted addresses.

    `new` and `from_others` are accounts by id, with their address. Those in `from_others` are on another list, and have
    its name, too.
    """

    new: dict[int, str]
    from_others: dict[int, tuple[str, str]]
    already: list[str]
    unknown: list[str]


def addresses_in(text: str) -> list[str]:
    """Return the e-mail addresses in a text, each once and in lower case. Other words, such as names, are left out."""
    return list(dict.fromkeys(part.lower() for part in _SEPARATORS.split(text) if "@" in part))


def plan(price_list: PriceList, addresses: Iterable[str]) -> MembershipPlan:
    """Return what `add_members` would do with these addresses. Writes nothing."""
    addresses = list(addresses)
    accounts = dict(Account.objects.filter(email__in=addresses).values_list("email", "pk"))
    members = PriceListMember.objects.filter(account__in=accounts.values()).select_related("price_list")
    lists = {member.account_id: member.price_list for member in members}
    new, from_others, already = {}, {}, []
    for address, account in accounts.items():
        current = lists.get(account)
        if current is None:
            new[account] = str(address)
        elif current.pk == price_list.pk:
            already.append(str(address))
        else:
            from_others[account] = str(address), current.name
    return MembershipPlan(new, from_others, already, [address for address in addresses if address not in accounts])


def add_members(price_list: PriceList, accounts: Iterable[int]) -> None:
    """Put accounts on a price list. An account on another list leaves that list."""
    with transaction.atomic():
        PriceListMember.objects.bulk_create(
            [PriceListMember(account_id=account, price_list=price_list) for account in accounts],
            update_conflicts=True,
            unique_fields=["account"],
            update_fields=["price_list"],
        )
