"""The state of fulfilment and the events of the log of sign-ins for Prometheus, at `/metrics`.

If a token is set, the caller must send it. If none is set, only this machine may read the metrics, and only while the
desk is at an address of this machine: else a proxy is in front, and what it passes on comes from this machine, too.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from ipaddress import ip_address

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from tradepost.accounts.models import SignInKind, SignInTotal
from tradepost.catalog.models import Service
from tradepost.orders import backlog
from tradepost.orders.backlog import STATES, ProviderBacklog, WorkerStatus

# What proxies add to a request, besides `X-Forwarded-…`. Django writes header names so.
FORWARDING = frozenset(
    {"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Original-Forwarded-For", "True-Client-Ip", "Cf-Connecting-Ip"}
)

TEXT = "text/plain; charset=utf-8"

type _Value = Callable[[ProviderBacklog], float | Decimal | None]


@login_not_required
@require_safe
@never_cache
def metrics_view(request: HttpRequest) -> HttpResponse:
    """Return the metrics as text; 503 if the database can't be reached."""
    if settings.TRADEPOST_METRICS_TOKEN:
        authorization = request.headers.get("Authorization", "")
        if not constant_time_compare(authorization, f"Bearer {settings.TRADEPOST_METRICS_TOKEN}"):
            return HttpResponse("a token is needed", TEXT, 401, headers={"WWW-Authenticate": "Bearer"})
    elif not settings.TRADEPOST_IS_LOCAL:
        return HttpResponse("only with a token: set TRADEPOST_METRICS_TOKEN, and send it", TEXT, 403)
    elif not _is_local(request):
        return HttpResponse("only from this machine, or with a token", TEXT, 403)
    registry = CollectorRegistry()
    try:
        registry.register(FulfilmentCollector(backlog.provider_backlogs(), backlog.worker_status(), _in_quarantine()))
        registry.register(SignInCollector(dict(SignInTotal.objects.values_list("kind", "count"))))
    except DatabaseError:
        return HttpResponse("the database is away", TEXT, 503)
    return HttpResponse(generate_latest(registry), CONTENT_TYPE_LATEST)


def _is_local(request: HttpRequest) -> bool:
    """Return whether the request comes from this machine. A request through a proxy does not, even a local proxy."""
    if any(name in FORWARDING or name.startswith("X-Forwarded") for name in request.headers):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _in_quarantine() -> int:
    return Service.objects.exclude(quarantine="").count()


class SignInCollector(Collector):
    """How many events of each kind the log of sign-ins has ever had."""

    def __init__(self, totals: dict[str, int]) -> None:
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        events = CounterMetricFamily("tradepost_sign_in_events", "Events of the log of sign-ins.", labels=["kind"])
        for kind in SignInKind:
            events.add_metric([kind.value.replace(" ", "_")], self._totals.get(kind.value, 0))
        yield events


class FulfilmentCollector(Collector):
    def __init__(self, backlogs: list[ProviderBacklog], workers: WorkerStatus, in_quarantine: int) -> None:
        self._backlogs = backlogs
        self._workers = workers
        self._in_quarantine = in_quarantine

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("tradepost_workers", "Workers that are alive.", self._workers.alive)
        jobs = GaugeMetricFamily("tradepost_jobs", "Jobs: due (waiting), being done (doing), failed.", labels=["state"])
        for state in ("waiting", "doing", "failed"):
            jobs.add_metric([state], getattr(self._workers, state))
        yield jobs
        yield GaugeMetricFamily(
            "tradepost_services_in_quarantine", "Services taken off sale by themselves.", self._in_quarantine
        )
        yield self._orders()
        yield from self._gauges()
        yield from self._counters()

    def _orders(self) -> Metric:
        orders = GaugeMetricFamily(
            "tradepost_provider_orders", "Orders at a provider or on their way.", labels=["provider", "state"]
        )
        for provider in self._backlogs:
            for state in STATES:
                orders.add_metric([provider.name, state], getattr(provider, state))
        return orders

    def _gauges(self) -> Iterator[Metric]:
        gauges: dict[str, tuple[str, _Value]] = {
            "oldest_queued_seconds": ("Since the oldest queued order was placed.", lambda p: p.oldest_seconds or 0),
            "balance": ("What is left there, in its currency.", lambda p: p.balance),
            "in_trouble": ("1 while nothing is sent to it for a reason.", lambda p: int(bool(p.last_error))),
            "routes_paused": ("Services that it refuses for now.", lambda p: p.routes_paused),
            "orders_to_review": ("Orders there that wait for a person.", lambda p: p.to_review),
            "paused": ("1 while nothing is sent to it since staff said so.", lambda p: int(p.is_paused)),
            "list_age_seconds": ("Since its list was read.", lambda p: p.synced_seconds),
        }
        for name, (documentation, value_of) in gauges.items():
            gauge = GaugeMetricFamily(f"tradepost_provider_{name}", documentation, labels=["provider"])
            for provider in self._backlogs:
                value = value_of(provider)
                if value is not None:
                    gauge.add_metric([provider.name], float(value))
            yield gauge

    def _counters(self) -> Iterator[Metric]:
        counters: dict[str, tuple[str, _Value]] = {
            "requests": ("Requests made to it.", lambda p: p.requests),
            "request_failures": ("Requests that got no clear answer.", lambda p: p.failures),
            "request_seconds": ("Seconds that all requests took together.", lambda p: p.request_milliseconds / 1000),
        }
        for name, (documentation, value_of) in counters.items():
            counter = CounterMetricFamily(f"tradepost_provider_{name}", documentation, labels=["provider"])
            for provider in self._backlogs:
                counter.add_metric([provider.name], float(value_of(provider) or 0))
            yield counter
