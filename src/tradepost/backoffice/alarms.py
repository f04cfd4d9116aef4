"""What a person has to look at, each with a link to where it is mended."""

from collections.abc import Iterator

import msgspec
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from tradepost.backoffice import showing
from tradepost.catalog.models import Service
from tradepost.engine import link_rules
from tradepost.engine.statuses import Dispatch
from tradepost.ledger.models import ManualPayment, PaymentState
from tradepost.orders import backlog, pacing
from tradepost.orders.models import UpstreamOrder
from tradepost.providers.models import Provider
from tradepost.reports import quality
from tradepost.reports.reading import Sums

TRIES_MIN = 10  # fewer attempts of an hour prove nothing
FAILURES_PERCENT = 20
SERVICES_LINKED_MAX = 100  # at once: an address has an end
LINK_PATTERN_BAD = "the link pattern can't be read."


class Alarm(msgspec.Struct, frozen=True):
    """Something to look at."""

    text: str
    link: str
    is_grave: bool = True  # orders or money are held up


def of(request: HttpRequest) -> list[Alarm]:
    """Return the alarms that this member of staff may look into, the gravest first."""
    alarms: list[Alarm] = []
    if request.user.has_perm("providers.view_provider"):
        alarms += [*_of_workers(), *_of_providers(), *_of_failures()]
    if request.user.has_perm("orders.view_upstreamorder"):
        alarms += _of_orders()
    if request.user.has_perm("orders.view_order"):
        alarms += _of_stuck_orders()
    if request.user.has_perm("catalog.view_service"):
        alarms += _of_services()
    alarms += _of_payments(request)
    return sorted(alarms, key=lambda alarm: not alarm.is_grave)


def _of_workers() -> Iterator[Alarm]:
    if not backlog.workers().alive:
        yield Alarm("No worker is running: no order is sent and none is followed.", reverse("fulfilment"))


def _of_providers() -> Iterator[Alarm]:
    for provider in Provider.objects.all():
        link = reverse("admin:providers_provider_change", args=[provider.pk])
        if provider.last_error:
            yield Alarm(f"{provider}: {provider.last_error}", link)
        if (
            provider.balance is not None
            and provider.low_balance is not None
            and provider.balance < provider.low_balance
        ):
            balance = f"{showing.grouped(provider.balance)} {provider.currency}"
            yield Alarm(f"{provider}: the balance is low, {balance}.", link)
        if provider.sync_error:
            yield Alarm(f"{provider}: its list could not be read. {provider.sync_error}", link, is_grave=False)


def _of_failures() -> Iterator[Alarm]:
    """Tell of providers that take too few of the orders that they are sent."""
    lately = quality.lately()
    names = Provider.objects.in_bulk([pk for pk, sums in lately.items() if _is_failing(sums)])
    for pk, provider in names.items():
        sums = lately[pk]
        text = f"{provider}: of {_tries(sums):,} attempts in the last hour {sums.refused + sums.unsure:,} failed."
        yield Alarm(text, reverse("provider_quality", args=[pk]))


def _is_failing(sums: Sums) -> bool:
    return _tries(sums) >= TRIES_MIN and 100 * (sums.refused + sums.unsure) >= FAILURES_PERCENT * _tries(sums)


def _tries(sums: Sums) -> int:
    return sums.orders + sums.refused + sums.unsure


def _of_orders() -> Iterator[Alarm]:
    counts = UpstreamOrder.objects.filter(state__in=[Dispatch.UNSURE.value, Dispatch.REFUSED.value]).aggregate(
        unsure=Count("pk", filter=Q(state=Dispatch.UNSURE.value)),
        refused=Count("pk", filter=Q(state=Dispatch.REFUSED.value)),
    )
    if counts["unsure"]:
        text = f"{_counted(counts['unsure'], 'order')} may or may not exist at a provider: look there."
        yield Alarm(text, waiting_list(Dispatch.UNSURE))
    if counts["refused"]:
        text = f"{_counted(counts['refused'], 'order')} refused by every provider and held."
        yield Alarm(text, waiting_list(Dispatch.REFUSED))


def _of_stuck_orders() -> Iterator[Alarm]:
    stuck = pacing.stuck_count()
    if stuck:
        more = "+" if stuck >= pacing.STUCK_MAX else ""
        verb = "is" if stuck == 1 else "are"
        yield Alarm(
            f"{stuck:,}{more} order{'' if stuck == 1 else 's'} {verb} slower than usual.", _stuck_list(), is_grave=False
        )


def _stuck_list() -> str:
    return reverse("admin:orders_stuckorder_changelist")


def _of_services() -> Iterator[Alarm]:
    patterns = Service.objects.filter(is_active=True).exclude(link_pattern="").values_list("link_pattern", flat=True)
    bad = [pattern for pattern in patterns.distinct().order_by() if not link_rules.is_rule(pattern)]
    closed = list(Service.objects.filter(is_active=True, link_pattern__in=bad).values_list("pk", flat=True))
    if closed:
        those = ",".join(str(pk) for pk in closed[:SERVICES_LINKED_MAX])
        text = f"{_counted(len(closed), 'service')} taking no order: {LINK_PATTERN_BAD}"
        yield Alarm(text, f"{reverse('admin:catalog_service_changelist')}?{urlencode({'id__in': those})}")
    held = Service.objects.exclude(quarantine="").count()
    if held:
        link = f"{reverse('admin:catalog_service_changelist')}?{urlencode({'quarantine': 'in'})}"
        yield Alarm(f"{_counted(held, 'service')} in quarantine, off sale.", link, is_grave=False)


def _of_payments(request: HttpRequest) -> Iterator[Alarm]:
    if not request.user.has_perm("ledger.approve_payment"):
        return
    waiting = (
        ManualPayment.objects.filter(state=PaymentState.REQUESTED.value).exclude(requested_by=request.user.pk).count()
    )
    if waiting:
        query = urlencode({"state__exact": PaymentState.REQUESTED.value})
        link = f"{reverse('admin:ledger_manualpayment_changelist')}?{query}"
        yield Alarm(f"{_counted(waiting, 'payment')} by hand waiting for a second person.", link)


def waiting_list(state: Dispatch) -> str:
    """Return the address of the orders in a state that a person has to settle."""
    return f"{reverse('admin:orders_upstreamorder_changelist')}?{urlencode({'state': state.value})}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
