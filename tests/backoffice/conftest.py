"""Users of the back office, and rows of every kind for its pages to show."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from django.test import Client
from django.test.utils import setup_test_environment, teardown_test_environment

from tests.backoffice.browsers import sign_in
from tests.builders import attempt, make_offer, make_provider, place, route, settle
from tests.conftest import Customer
from tests.waiting import HANG_SECONDS


@pytest.fixture(scope="package", autouse=True)
def seen_templates() -> Iterator[None]:
    """Keep the template context of each response."""
    setup_test_environment()
    yield
    teardown_test_environment()


@pytest.fixture(autouse=True)
def nobody_else(workers_at_rest: None) -> None:
    """Keep other visits away from the providers of these tests, and queued orders in the queue."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the overview come with its figures, however long they take here."""
    from tradepost.backoffice import dashboard

    monkeypatch.setattr(dashboard, "SECONDS_MAX", HANG_SECONDS)


@pytest.fixture
def staff() -> Client:
    """A member of staff who may do everything."""
    return sign_in(is_staff=True, is_superuser=True)


@pytest.fixture
def charlie() -> Client:
    """A member of staff without any permission."""
    return sign_in(is_staff=True)


class Things(NamedTuple):
    """One row of each model, by the model's name in admin URLs."""

    orders_order: int
    orders_refill: int
    orders_cancelrequest: int
    ledger_transfer: int
    ledger_ledgeraccount: int
    ledger_manualpayment: int
    ledger_paymentlimit: int
    accounts_account: int
    accounts_impersonation: int
    accounts_signinevent: int
    accounts_key: int
    catalog_category: int
    catalog_service: int
    catalog_customrate: int
    catalog_pricelist: int
    auth_group: int
    procrastinate_procrastinatejob: int
    providers_provider: int
    providers_providerservice: int
    providers_refusaltext: int
    orders_upstreamorder: int
    orders_bulkaction: int
    orders_stuckorder: int


@pytest.fixture
def things(alice: Customer, make_service: Callable[..., int]) -> Things:
    """A partly delivered order, and everything that belongs to it."""
    from django.contrib.auth.models import Group
    from django.utils import timezone

    from tests.ledger.payment_staff import payer, wish
    from tradepost.accounts.models import Account, Impersonation, Key, SignInEvent
    from tradepost.catalog.models import CustomRate, PriceList, Service
    from tradepost.engine.statuses import Status
    from tradepost.fulfilment.tasks.simulator import simulate
    from tradepost.ledger import payments
    from tradepost.ledger.models import LedgerAccount, PaymentLimit, Transfer
    from tradepost.orders.bulk_action_types import BulkActionKind
    from tradepost.orders.bulk_actions import lifecycle
    from tradepost.orders.models import CancelRequest, Refill, StuckOrder
    from tradepost.providers.models import RefusalText

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
    # Scheduled for next year, so that no worker runs it meanwhile.
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
        accounts_signinevent=SignInEvent.objects.create(account_id=alice.id, kind="signed in", method="password").pk,
        accounts_key=Key.objects.get(account=alice.id).pk,
        catalog_category=Service.objects.get(pk=service).category_id,
        catalog_service=service,
        catalog_customrate=rate.pk,
        catalog_pricelist=PriceList.objects.get_or_create(name="Things")[0].pk,
        auth_group=Group.objects.get_or_create(name="Support")[0].pk,
        procrastinate_procrastinatejob=job,
        providers_provider=offer.provider_id,
        providers_providerservice=offer.pk,
        providers_refusaltext=RefusalText.objects.create(
            provider_id=offer.provider_id, key="quantum flux", text="Quantum flux", count=3
        ).pk,
        orders_upstreamorder=unsure,
        orders_bulkaction=lifecycle.draft(BulkActionKind.RESEND, Account.objects.get(pk=alice.id), [unsure]).pk,
        orders_stuckorder=StuckOrder.objects.create(
            order_id=unsure, reason="slow", expected_within=timedelta(hours=1)
        ).pk,
    )
