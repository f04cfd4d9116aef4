"""What a person has to look at, each with a link to where it is mended."""

from collections.abc import Iterator

import msgspec
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from tradepost.backoffice.ui import formatters
from tradepost.catalog.models import Service
from tradepost.engine import link_rules
from tradepost.engine.statuses import Dispatch
from tradepost.ledger.models import ManualPayment, PaymentState
from tradepost.orders import backlog, stuck_orders
from tradepost.orders.models import UpstreamOrder
from tradepost.providers.models import Provider
from tradepost.reports import quality
from tradepost.reports.queries import Sums

TRIES_MIN = 10  # fewer attempts of an hour prove nothing
FAILURES_PERCENT = 20
SERVICES_LINKED_MAX = 100  # at once: an address has an end
LINK_PATTERN_BAD = "the link pattern can't be read."


class Alert(msgspec.Struct, frozen=True):
    """Something to look at."""

    text: str
    link: str
    is_grave: bool = True  # orders or money are held up


def alerts_for(request: HttpRequest) -> list[Alert]:
    """Return the alerts that this member of staff may look into, the gravest first."""
    alerts: list[Alert] = []
    if request.user.has_perm("providers.view_provider"):
        alerts += [*_of_workers(), *_of_providers(), *_of_failures()]
    if request.user.has_perm("orders.view_upstreamorder"):
        alerts += _of_orders()
    if request.user.has_perm("orders.view_order"):
        alerts += _of_stuck_orders()
    if request.user.has_perm("catalog.view_service"):
        alerts += _of_services()
    alerts += _of_payments(request)
    return sorted(alerts, key=lambda alert: not alert.is_grave)


def _of_workers() -> Iterator[Alert]:
    if not backlog.worker_status().alive:
        yield Alert("No worker is running: no order is sent and none is followed.", reverse("fulfilment"))


def _of_providers() -> Iterator[Alert]:
    for provider in Provider.objects.all():
        link = reverse("admin:providers_provider_change", args=[provider.pk])
        if provider.last_error:
            yield Alert(f"{provider}: {provider.last_error}", link)
        if (
            provider.balance is not None
            and provider.low_balance is not None
            and provider.balance < provider.low_balance
        ):
            balance = f"{formatters.grouped(provider.balance)} {provider.currency}"
            yield Alert(f"{provider}: the balance is low, {balance}.", link)
        if provider.sync_error:
            yield Alert(f"{provider}: its list could not be read. {provider.sync_error}", link, is_grave=False)


def _of_failures() -> Iterator[Alert]:
    """Tell of providers that take too few of the orders that they are sent."""
    lately = quality.attempts_last_hour()
    names = Provider.objects.in_bulk([pk for pk, sums in lately.items() if _is_failing(sums)])
    for pk, provider in names.items():
        sums = lately[pk]
        text = f"{provider}: of {_tries(sums):,} attempts in the last hour {sums.refused + sums.unsure:,} failed."
        yield Alert(text, reverse("provider_quality", args=[pk]))


def _is_failing(sums: Sums) -> bool:
    return _tries(sums) >= TRIES_MIN and 100 * (sums.refused + sums.unsure) >= FAILURES_PERCENT * _tries(sums)


def _tries(sums: Sums) -> int:
    return sums.orders + sums.refused + sums.unsure


def _of_orders() -> Iterator[Alert]:
    counts = UpstreamOrder.objects.filter(state__in=[Dispatch.UNSURE.value, Dispatch.REFUSED.value]).aggregate(
        unsure=Count("pk", filter=Q(state=Dispatch.UNSURE.value)),
        refused=Count("pk", filter=Q(state=Dispatch.REFUSED.value)),
    )
    if counts["unsure"]:
        text = f"{_counted(counts['unsure'], 'order')} may or may not exist at a provider: look there."
        yield Alert(text, waiting_list(Dispatch.UNSURE))
    if counts["refused"]:
        text = f"{_counted(counts['refused'], 'order')} refused by every provider and held."
        yield Alert(text, waiting_list(Dispatch.REFUSED))


def _of_stuck_orders() -> Iterator[Alert]:
    stuck = stuck_orders.stuck_count()
    if stuck:
        more = "+" if stuck >= stuck_orders.STUCK_MAX else ""
        verb = "is" if stuck == 1 else "are"
        yield Alert(
            f"{stuck:,}{more} order{'' if stuck == 1 else 's'} {verb} slower than usual.", _stuck_list(), is_grave=False
        )


def _stuck_list() -> str:
    return reverse("admin:orders_stuckorder_changelist")


def _of_services() -> Iterator[Alert]:
    patterns = Service.objects.filter(is_active=True).exclude(link_pattern="").values_list("link_pattern", flat=True)
    bad = [pattern for pattern in patterns.distinct().order_by() if not link_rules.is_rule(pattern)]
    closed = list(Service.objects.filter(is_active=True, link_pattern__in=bad).values_list("pk", flat=True))
    if closed:
        those = ",".join(str(pk) for pk in closed[:SERVICES_LINKED_MAX])
        text = f"{_counted(len(closed), 'service')} taking no order: {LINK_PATTERN_BAD}"
        yield Alert(text, f"{reverse('admin:catalog_service_changelist')}?{urlencode({'id__in': those})}")
    held = Service.objects.exclude(quarantine="").count()
    if held:
        link = f"{reverse('admin:catalog_service_changelist')}?{urlencode({'quarantine': 'in'})}"
        yield Alert(f"{_counted(held, 'service')} in quarantine, off sale.", link, is_grave=False)


def _of_payments(request: HttpRequest) -> Iterator[Alert]:
    if not request.user.has_perm("ledger.approve_payment"):
        return
    waiting = (
        ManualPayment.objects.filter(state=PaymentState.REQUESTED.value).exclude(requested_by=request.user.pk).count()
    )
    if waiting:
        query = urlencode({"state__exact": PaymentState.REQUESTED.value})
        link = f"{reverse('admin:ledger_manualpayment_changelist')}?{query}"
        yield Alert(f"{_counted(waiting, 'payment')} by hand waiting for a second person.", link)


def waiting_list(state: Dispatch) -> str:
    """Return the address of the orders in a state that a person has to settle."""
    return f"{reverse('admin:orders_upstreamorder_changelist')}?{urlencode({'state': state.value})}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
