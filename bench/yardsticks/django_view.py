"""An order desk as most are written: a Django view, one transaction for each order, which locks the account's row."""

import os
from decimal import Decimal
from http import HTTPStatus

from django.core.wsgi import get_wsgi_application

os.environ["DJANGO_SETTINGS_MODULE"] = "tradepost.config.settings"
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - needs Django
from django.contrib.auth.decorators import login_not_required  # noqa: E402
from django.db import transaction  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from tradepost.accounts.models import Key  # noqa: E402
from tradepost.api.request_bodies import BODY_BYTES_MAX  # noqa: E402
from tradepost.catalog.models import Service  # noqa: E402
from tradepost.config.page_threads import PageThreads  # noqa: E402
from tradepost.engine import keys  # noqa: E402
from tradepost.ledger.models import LedgerAccount, Transfer  # noqa: E402
from tradepost.orders.models import Order  # noqa: E402

THREADS = 8
SALES = 1


@login_not_required
@csrf_exempt
def add(request: HttpRequest) -> HttpResponse:
    """Place an order, unless the client hung up while the request waited for a thread, as wrk does at its end."""
    try:
        return _place(request)
    except UnreadablePostError:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)


@transaction.atomic
def _place(request: HttpRequest) -> JsonResponse:
    key = Key.objects.get(digest=keys.digest(request.POST["key"]), revoked_at=None, account__is_active=True)
    service = Service.objects.get(pk=request.POST["service"], is_active=True)
    quantity = int(request.POST["quantity"])
    charge = (service.rate * quantity / 1000).quantize(Decimal("0.00001"))
    account = LedgerAccount.objects.select_for_update().get(account=key.account_id)
    if account.balance is None or account.balance < charge:
        return JsonResponse({"error": "Not enough funds on balance"})
    account.balance -= charge
    account.save(update_fields=["balance"])
    order = Order.objects.create(
        account_id=key.account_id, service=service, key=key, mode="api", link=request.POST["link"],
        quantity=quantity, remains=quantity, rate=service.rate, charge=charge,
    )  # fmt: skip
    Transfer.objects.create(
        debit=account, credit_id=SALES, amount=charge, balance_after=account.balance, kind="charge",
        order=order, actor="api",
    )  # fmt: skip
    return JsonResponse({"order": order.pk})


urlpatterns = [path("add", add)]
settings.ROOT_URLCONF = "bench.yardsticks.django_view"
application = PageThreads(_django, threads=THREADS, body_bytes_max=lambda _: BODY_BYTES_MAX)
