"""Accounts put on a price list, many at once: by the e-mail addresses that somebody has pasted."""

import re
from collections.abc import Iterable

import msgspec
from django.db import transaction

from tradepost.accounts.models import Account
from tradepost.catalog.models import PriceList, PriceListMember

ADDRESSES_MAX = 5_000

_APART = re.compile(r"[\s,;<>\"]+")


class Joining(msgspec.Struct, frozen=True):
    """Who would join: accounts by id with their addresses; those on another list with its name."""

    new: dict[int, str]
    from_others: dict[int, tuple[str, str]]
    already: list[str]
    unknown: list[str]


def addresses_in(text: str) -> list[str]:
    """Return the e-mail addresses in a text, each once, in lower case; names beside them are left out."""
    return list(dict.fromkeys(part.lower() for part in _APART.split(text) if "@" in part))


def consider(price_list: PriceList, addresses: Iterable[str]) -> Joining:
    """Return what becomes of these addresses if they are to be on a list."""
    asked = list(addresses)
    found = dict(Account.objects.filter(email__in=asked).values_list("email", "pk"))
    members = PriceListMember.objects.filter(account__in=found.values()).select_related("price_list")
    on = {member.account_id: member.price_list for member in members}
    new, from_others, already = {}, {}, []
    for address, account in found.items():
        current = on.get(account)
        if current is None:
            new[account] = str(address)
        elif current.pk == price_list.pk:
            already.append(str(address))
        else:
            from_others[account] = str(address), current.name
    return Joining(new, from_others, already, [address for address in asked if address not in found])


def join(price_list: PriceList, accounts: Iterable[int]) -> None:
    """Put accounts on a list; they leave the one that they are on."""
    with transaction.atomic():
        PriceListMember.objects.bulk_create(
            [PriceListMember(account_id=account, price_list=price_list) for account in accounts],
            update_conflicts=True,
            unique_fields=["account"],
            update_fields=["price_list"],
        )
