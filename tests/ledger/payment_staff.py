"""Staff with limits for payments, and requests for payments."""

from decimal import Decimal
from itertools import count
from uuid import uuid4

from tests.conftest import Customer
from tradepost.accounts.models import Account
from tradepost.ledger.models import PaymentKind
from tradepost.ledger.payments import PaymentRequest

_numbers = count(1)


def owner() -> Account:
    """Make an owner of the desk."""
    return Account.objects.create_superuser(f"owner{next(_numbers)}@ledger.example")


def payer(
    at_once: str = "100", a_day: str = "150", alone: str = "20", *, permissions: str = "top_up_account correct_balance"
) -> Account:
    """Make a member of staff with these permissions, in a role with these limits."""
    from django.contrib.auth.models import Group, Permission

    from tradepost.ledger.models import PaymentLimit

    number = next(_numbers)
    person = Account.objects.create_user(f"payer{number}@ledger.example", is_staff=True)
    group = Group.objects.create(name=f"payers {number}")
    person.groups.add(group)
    PaymentLimit.objects.create(group=group, per_payment=at_once, per_day=a_day, approval_above=alone)
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="ledger", codename__in=permissions.split())
    )
    return person


def approver() -> Account:
    """Make a member of staff who may approve payments, but not make them."""
    from django.contrib.auth.models import Permission

    person = Account.objects.create_user(f"approver{next(_numbers)}@ledger.example", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="approve_payment"))
    return person


def wish(
    account: Customer | int, amount: str, kind: PaymentKind = PaymentKind.TOP_UP, **fields: object
) -> PaymentRequest:
    """Return the request for a payment to an account."""
    to = account.id if isinstance(account, Customer) else account
    values = {"form_token": uuid4(), "reason": "paid by bank", "reference": "TR-1", **fields}
    return PaymentRequest(account=to, kind=kind, amount=Decimal(amount), **values)  # type: ignore[arg-type]
