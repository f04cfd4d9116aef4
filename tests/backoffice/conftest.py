"""The people of the back office, and a desk with something of everything to show them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

import pytest
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.conftest import Customer
from tests.providers.builders import attempt, make_offer, make_provider, route

_numbers = count(1)


def sign_in(**fields: Any) -> Client:
    """Make an account and return a browser that has signed in with it."""
    from tradepost.accounts.models import Account

    client = Client()
    client.force_login(Account.objects.create_user(f"person{next(_numbers)}@backoffice.example", **fields))
    return client


def member(role: str) -> Client:
    """Make a member of staff in this role, and return the browser they have signed in with."""
    from django.contrib.auth.models import Group

    from tradepost.accounts.models import Account

    client = sign_in(is_staff=True)
    Account.objects.get(pk=client.session["_auth_user_id"]).groups.add(Group.objects.get(name=role))
    return client


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Have responses keep the context that they were made from."""
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture(autouse=True)
def nobody_else(workers_at_rest: None) -> None:
    """Have nobody visit the providers of these tests, and nobody take away what is queued."""


@pytest.fixture
def staff() -> Client:
    """A member of staff who may do everything."""
    return sign_in(is_staff=True, is_superuser=True)


@pytest.fixture
def charlie() -> Client:
    """A member of staff without any right."""
    return sign_in(is_staff=True)


class Things(NamedTuple):
    """One row of each model, by its name in the admin's addresses."""

    orders_order: int
    orders_refill: int
    orders_cancelrequest: int
    ledger_transfer: int
    ledger_ledgeraccount: int
    ledger_manualpayment: int
    ledger_paymentlimit: int
    accounts_account: int
    accounts_impersonation: int
    accounts_key: int
    catalog_category: int
    catalog_service: int
    catalog_customrate: int
    catalog_pricelist: int
    auth_group: int
    procrastinate_procrastinatejob: int
    providers_provider: int
    providers_providerservice: int
    orders_upstreamorder: int
    orders_bulkaction: int
    orders_stuckorder: int


def place(account: int, service: int, times: int = 1, **parameters: str) -> list[int]:
    """Place orders, and return their ids."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine.placing import Mode, OrderRequest, Placed
    from tradepost.engine.placing import place as place_batch

    wanted = {"service": str(service), "link": "https://example.com/page", "quantity": "100", **parameters}
    with transaction.atomic():
        answers = place_batch(engine_connection(), [OrderRequest(account, wanted)] * times, mode=Mode.WEB)
    orders = [answer.order for answer in answers if isinstance(answer, Placed)]
    assert len(orders) == times, answers
    return orders


def settle(order: int, **fields: Any) -> None:
    """Report on an order as an upstream does."""
    from django.db import transaction

    from tradepost.database import engine_connection
    from tradepost.engine import settling

    with transaction.atomic():
        settling.settle(engine_connection(), [settling.Report(order, **fields)], actor="test")


@pytest.fixture
def things(alice: Customer, make_service: Callable[..., int]) -> Things:
    """A partly delivered order, and all that hangs together with it."""
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from tests.ledger.people import payer, wish
    from tradepost.accounts.models import Account, Impersonation, Key
    from tradepost.catalog.models import CustomRate, PriceList, Service
    from tradepost.engine.statuses import Status
    from tradepost.fulfilment.tasks.simulator import simulate
    from tradepost.ledger import payments
    from tradepost.ledger.models import LedgerAccount, PaymentLimit, Transfer
    from tradepost.orders.bulk_action_types import BulkActionKind
    from tradepost.orders.bulk_actions import lifecycle
    from tradepost.orders.models import CancelRequest, Refill, StuckOrder

    service = make_service(type="Custom Comments", min=1)
    rate = CustomRate.objects.create(account_id=alice.id, service_id=service, rate=Decimal("0.50"))
    [order] = place(alice.id, service, comments="So green\n<b>So wide</b>")
    settle(order, status=Status.PARTIAL, start_count=5, remains=1)
    routed, offer = make_service(), make_offer(make_provider())
    route(routed, offer)
    [unsure] = place(alice.id, routed)
    attempt(offer.provider_id, unsure, "unsure", response="no JSON (status 502)")
    payment = payments.make(payer(), wish(alice, "50"))
    seen = Impersonation.objects.create(
        account_id=alice.id, staff=payment.requested_by, reason="sees nothing", expires_at=timezone.now()
    )
    # For next year, so that no worker takes it away meanwhile.
    job = simulate.configure(schedule_in={"days": 365}, lock=f"test {order}", queueing_lock=f"test {order}").defer(
        timestamp=0
    )
    return Things(
        orders_order=order,
        orders_refill=Refill.objects.create(order_id=order, account_id=alice.id).pk,
        orders_cancelrequest=CancelRequest.objects.create(order_id=order, account_id=alice.id).pk,
        ledger_transfer=Transfer.objects.filter(order=order).latest("id").pk,
        ledger_ledgeraccount=LedgerAccount.objects.get(account=alice.id).pk,
        ledger_manualpayment=payment.pk,
        ledger_paymentlimit=PaymentLimit.objects.get(group__user=payment.requested_by).pk,
        accounts_account=alice.id,
        accounts_impersonation=seen.pk,
        accounts_key=Key.objects.get(account=alice.id).pk,
        catalog_category=Service.objects.get(pk=service).category_id,
        catalog_service=service,
        catalog_customrate=rate.pk,
        catalog_pricelist=PriceList.objects.get_or_create(name="Things")[0].pk,
        auth_group=Group.objects.get_or_create(name="Support")[0].pk,
        procrastinate_procrastinatejob=job,
        providers_provider=offer.provider_id,
        providers_providerservice=offer.pk,
        orders_upstreamorder=unsure,
        orders_bulkaction=lifecycle.draft(BulkActionKind.RESEND, Account.objects.get(pk=alice.id), [unsure]).pk,
        orders_stuckorder=StuckOrder.objects.create(
            order_id=unsure, reason="slow", expected_within=timedelta(hours=1)
        ).pk,
    )
