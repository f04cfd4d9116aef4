"""What staff have to look at, each with a link to the page where they can fix it."""

from collections.abc import Iterator

import msgspec
from django.db.models import Count, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.http import HttpRequest
from django.urls import reverse

from tradepost import formats
from tradepost.backoffice.ui import links
from tradepost.catalog.models import Service
from tradepost.engine import link_rules
from tradepost.engine.refusals import RefusalMeaning, ReviewReason
from tradepost.engine.statuses import CancelState, Dispatch, RefillStatus
from tradepost.ledger.models import ManualPayment, PaymentState
from tradepost.orders import backlog, stuck_orders
from tradepost.orders.models import CancelRequest, Refill, StuckOrder, UpstreamOrder
from tradepost.providers.models import Provider, RefusalText, RoutePause
from tradepost.reports import quality
from tradepost.reports.queries import Sums

ATTEMPTS_MIN = 10  # in the last hour; fewer prove nothing
FAILURES_PERCENT = 20
PAUSES_SHOWN_MAX = 20
SERVICES_LINKED_MAX = 100  # in one link: the length of a URL is limited
LINK_PATTERN_BAD = "the link pattern can't be read."


class Alert(msgspec.Struct, frozen=True):
    text: str
    link: str  # empty if the user may not open the page
    is_grave: bool = True  # orders or money are held up


def alerts_for(request: HttpRequest) -> list[Alert]:
    """Return the alerts that this user may look into, the gravest first."""
    alerts: list[Alert] = []
    if request.user.has_perm("providers.view_provider"):
        alerts += [*_worker_alerts(), *_provider_alerts(), *_refusal_alerts(), *_failure_alerts()]
    if request.user.has_perm("orders.view_upstreamorder"):
        alerts += _unsettled_order_alerts()
    if request.user.has_perm("orders.view_order"):
        alerts += _stuck_order_alerts()
    if request.user.has_perm("orders.view_refill"):
        alerts += _failed_request_alerts()
    if request.user.has_perm("catalog.view_service"):
        alerts += _service_alerts()
    alerts += _payment_alerts(request)
    return sorted(alerts, key=lambda alert: not alert.is_grave)


def _worker_alerts() -> Iterator[Alert]:
    if not backlog.worker_status().alive:
        yield Alert("No worker is running: no order is sent and none is followed.", reverse("fulfilment"))


def _provider_alerts() -> Iterator[Alert]:
    for provider in Provider.objects.all():
        link = reverse("admin:providers_provider_change", args=[provider.pk])
        if provider.last_error:
            yield Alert(f"{provider}: {provider.last_error}", link)
        if (
            provider.balance is not None
            and provider.low_balance is not None
            and provider.balance < provider.low_balance
        ):
            balance = formats.exact_money(provider.balance, provider.currency)
            yield Alert(f"{provider}: the balance is low, {balance}.", link)
        if provider.sync_error:
            yield Alert(f"{provider}: its list could not be read. {provider.sync_error}", link, is_grave=False)
        if provider.balance_error:
            yield Alert(f"{provider}: its balance could not be read. {provider.balance_error}", link, is_grave=False)


def _refusal_alerts() -> Iterator[Alert]:
    """Yield an alert for each service that a provider refuses for now, and one for refusals that nobody knows."""
    pauses = RoutePause.objects.filter(until__isnull=False).select_related(
        "route__service", "route__provider_service__provider"
    )
    for pause in pauses.order_by("-created_at")[:PAUSES_SHOWN_MAX]:
        provider = pause.route.provider_service.provider
        what = f"{provider} refuses {pause.route.service}: «{pause.reason}»"
        if pause.meaning == RefusalMeaning.UNKNOWN:
            text = f"{what}. Nobody has said what that means, so its orders are held."
            yield Alert(text, unsettled_orders_url(ReviewReason.UNEXPLAINED))
        else:
            link = reverse("admin:providers_provider_change", args=[provider.pk])
            yield Alert(f"{what}. Its orders wait.", link, is_grave=False)
    unknown = RefusalText.objects.filter(meaning=RefusalMeaning.UNKNOWN.value).count()
    if unknown:
        link = links.list_url(RefusalText, meaning__exact=RefusalMeaning.UNKNOWN.value)
        yield Alert(
            f"{_count_text(unknown, 'refusal')} to be explained: say once what the words mean.", link, is_grave=False
        )


def _failed_request_alerts() -> Iterator[Alert]:
    """Yield an alert for cancels and refills that a provider did not answer clearly."""
    cancels = CancelRequest.objects.filter(state=CancelState.FAILED.value).count()
    if cancels:
        link = links.list_url(CancelRequest, state__exact=CancelState.FAILED.value)
        yield Alert(f"{_count_text(cancels, 'cancel request')} without a clear answer: decide them.", link)
    refills = Refill.objects.filter(status=RefillStatus.ERROR.value).exclude(response="").count()
    if refills:
        link = links.list_url(Refill, status__exact=RefillStatus.ERROR.value)
        yield Alert(f"{_count_text(refills, 'refill')} without a clear answer: decide them.", link)


def _failure_alerts() -> Iterator[Alert]:
    """Yield an alert for each provider that fails too many of the attempts of the last hour."""
    recent = quality.attempts_last_hour()
    failing = Provider.objects.in_bulk([pk for pk, sums in recent.items() if _is_failing(sums)])
    for pk, provider in failing.items():
        sums = recent[pk]
        tried, failed = formats.whole(_attempts(sums)), formats.whole(sums.refused + sums.unsure)
        text = f"{provider}: of {tried} attempts in the last hour {failed} failed."
        yield Alert(text, reverse("provider_quality", args=[pk]))


def _is_failing(sums: Sums) -> bool:
    return _attempts(sums) >= ATTEMPTS_MIN and 100 * (sums.refused + sums.unsure) >= FAILURES_PERCENT * _attempts(sums)


def _attempts(sums: Sums) -> int:
    return sums.orders + sums.refused + sums.unsure


_TO_REVIEW: dict[Dispatch | ReviewReason, str] = {
    Dispatch.UNSURE: "to review: the provider didn't confirm; check there.",
    Dispatch.REFUSED: "refused by every provider and held.",
    ReviewReason.UNEXPLAINED: "held: refused with words that nobody has explained.",
    ReviewReason.NO_REMAINS: "partial, and the provider does not say how much remains.",
    ReviewReason.STATUS: "with a status that is not known: look at the provider.",
}


def _unsettled_order_alerts() -> Iterator[Alert]:
    waiting = UpstreamOrder.objects.filter(
        Q(state__in=[Dispatch.UNSURE.value, Dispatch.REFUSED.value]) | ~Q(review_reason="")
    )
    why = Coalesce(NullIf("review_reason", Value("")), "state")
    counts = dict(waiting.order_by().values_list(why).annotate(Count("pk")))
    for state, what in _TO_REVIEW.items():
        if state in counts:
            yield Alert(f"{_count_text(counts[state], 'order')} {what}", unsettled_orders_url(state))


def _stuck_order_alerts() -> Iterator[Alert]:
    stuck = stuck_orders.stuck_count()
    if stuck:
        more = "+" if stuck >= stuck_orders.STUCK_MAX else ""
        verb = "is" if stuck == 1 else "are"
        yield Alert(
            f"{formats.whole(stuck)}{more} order{'' if stuck == 1 else 's'} {verb} slower than usual.",
            links.list_url(StuckOrder),
            is_grave=False,
        )


def _service_alerts() -> Iterator[Alert]:
    patterns = Service.objects.filter(is_active=True).exclude(link_pattern="").values_list("link_pattern", flat=True)
    bad_patterns = [pattern for pattern in patterns.distinct().order_by() if not link_rules.is_rule(pattern)]
    closed = list(Service.objects.filter(is_active=True, link_pattern__in=bad_patterns).values_list("pk", flat=True))
    if closed:
        ids = ",".join(str(pk) for pk in closed[:SERVICES_LINKED_MAX])
        text = f"{_count_text(len(closed), 'service')} taking no order: {LINK_PATTERN_BAD}"
        yield Alert(text, links.list_url(Service, id__in=ids))
    held = Service.objects.exclude(quarantine="").count()
    if held:
        link = links.list_url(Service, quarantine="in")
        yield Alert(f"{_count_text(held, 'service')} in quarantine, off sale.", link, is_grave=False)


def _payment_alerts(request: HttpRequest) -> Iterator[Alert]:
    if not request.user.has_perm("ledger.approve_payment"):
        return
    waiting = (
        ManualPayment.objects.filter(state=PaymentState.REQUESTED.value).exclude(requested_by=request.user.pk).count()
    )
    if waiting:
        link = links.list_url(ManualPayment, state__exact=PaymentState.REQUESTED.value)
        yield Alert(f"{_count_text(waiting, 'payment')} waiting for a second person.", link)


def unsettled_orders_url(state: Dispatch | ReviewReason) -> str:
    """Return the URL of the orders in a state that only a person can settle; empty if the reader may not view them."""
    return links.list_url(UpstreamOrder, state=state.value)


def _count_text(number: int, noun: str) -> str:
    return f"{formats.whole(number)} {noun}{'' if number == 1 else 's'}"
