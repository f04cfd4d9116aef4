"""A provider's list, fetched from a panel on a real socket: it is stored as a whole or not at all."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from testkit.upstream.dialects import ODD
from testkit.upstream.faults import Fault
from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Reply, Upstream
from tests.builders import make_offer, make_provider, route

D = Decimal
OFFERS = [Offer(1), Offer(2, name="Pixelpond Likes", rate=D("0.20")), Offer(3, rate=D(3)), Offer(4), Offer(5)]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A panel that sells five services."""
    with Upstream(Panel(OFFERS, balance=D("12.5"))) as running:
        yield running


@pytest.fixture
def provider(upstream: Upstream) -> Any:
    """The panel as a provider; its list has been synced."""
    provider = make_provider(upstream.url)
    return synced(provider)


def synced(provider: Any) -> Any:
    from tradepost.fulfilment.tasks.provider_sync import sync_provider

    sync_provider(provider.pk)
    provider.refresh_from_db()
    return provider


def listed(provider: Any) -> dict[str, Decimal]:
    return dict(provider.services.filter(is_delisted=False).values_list("upstream_id", "rate"))


def version() -> int:
    from tradepost.catalog.models import CatalogVersion

    return CatalogVersion.objects.get().version


def sold(service: int) -> Any:
    from tradepost.catalog.models import Service

    return Service.objects.get(pk=service)


def test_a_list_and_the_balance_are_taken_in(provider: Any) -> None:
    assert provider.sync_error == ""
    assert provider.synced_at
    assert provider.balance == D("12.5")
    assert listed(provider) == {"1": D("0.9"), "2": D("0.2"), "3": D(3), "4": D("0.9"), "5": D("0.9")}
    first = provider.services.get(upstream_id="1")
    assert (first.name, first.min, first.max, first.refill) == ("Pixelpond Followers", 10, 10_000, True)


def test_a_list_in_any_dialect_is_taken_in() -> None:
    with Upstream(Panel(OFFERS), dialect=ODD) as upstream:
        assert len(listed(synced(make_provider(upstream.url)))) == 5


def test_what_is_new_changed_or_gone_is_written_and_nothing_else(upstream: Upstream, provider: Any) -> None:
    before = dict(provider.services.values_list("upstream_id", "changed_at"))
    del upstream.panel.offers[5]
    upstream.panel.offers[2].rate = D("0.21")
    upstream.panel.offers[6] = Offer(6)
    synced(provider)
    assert listed(provider) == {"1": D("0.9"), "2": D("0.21"), "3": D(3), "4": D("0.9"), "6": D("0.9")}
    after = dict(provider.services.values_list("upstream_id", "changed_at"))
    assert {id_ for id_ in after if after[id_] != before.get(id_)} == {"2", "5", "6"}
    upstream.panel.offers[5] = Offer(5)
    assert "5" in listed(synced(provider))


def test_a_list_that_has_not_changed_leaves_the_catalog_alone(provider: Any, service: int) -> None:
    route(service, provider.services.get(upstream_id="1"), follows=["rate", "name"])
    synced(provider)
    was = version()
    synced(provider)
    assert version() == was


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"[]"), "Its list of services is empty."),
        (Reply(b"<html><body>One moment</body></html>", 200, "text/html"), "no JSON"),
        (Reply(b'[{"service":1,"name":"Followers","rate":"0.'), "no JSON"),
        (Reply(b""), "empty answer"),
        (Reply(b"{}", 503), "server error"),
        (Reply(b'{"error":"Invalid API key"}'), "It refused services: Invalid API key"),
        (Reply(b'[{"service":1,"rate":"0.9","min":1,"max":9}]'), "Its list has 1 services; it had 5 before."),
        (Reply(b'[{"service":1,"rate":"soon"},{"service":2}]'), "the rates of 2 can't be read"),
        (Reply(b'[{"service":1,"rate":"-1"}]'), "the rates of 1 can't be read"),
        (Reply(b'{"services":"none"}'), "unexpected JSON"),
    ],
)
def test_an_empty_or_broken_list_changes_nothing(upstream: Upstream, provider: Any, reply: Reply, said: str) -> None:
    before, was, synced_at = listed(provider), version(), provider.synced_at
    upstream.canned.append(reply)
    synced(provider)
    assert said in provider.sync_error
    assert (listed(provider), version(), provider.synced_at) == (before, was, synced_at)
    assert synced(provider).sync_error == ""


@pytest.mark.parametrize("fault", [Fault.RESET_MIDWAY, Fault.TOO_MANY, Fault.REDIRECT, Fault.EMPTY_AFTER])
def test_a_list_that_breaks_off_changes_nothing(upstream: Upstream, provider: Any, fault: Fault) -> None:
    before = listed(provider)
    upstream.faults.script(fault, action="services")
    assert synced(provider).sync_error
    assert listed(provider) == before


def test_where_nobody_listens_it_says_so() -> None:
    assert synced(make_provider()).sync_error.startswith("No connection:")


def test_a_provider_that_was_deleted_meanwhile_is_not_asked() -> None:
    from tradepost.fulfilment.tasks.provider_sync import sync_provider

    provider = make_provider()
    number = provider.pk
    provider.delete()
    sync_provider(number)


def test_an_entry_that_can_not_be_read_stays_as_it_was(upstream: Upstream, provider: Any) -> None:
    told = [{"service": id_, "rate": "0.8", "min": 1, "max": 9} for id_ in (1, 2, 3, 4)]
    upstream.canned.append(Reply(msgspec.json.encode([*told, {"service": 5, "rate": "call us"}])))
    assert synced(provider).sync_error == ""
    assert listed(provider)["5"] == D("0.9")
    assert listed(provider)["1"] == D("0.8")


def test_what_no_database_holds_is_cut(upstream: Upstream) -> None:
    odd = {"service": "a1" * 32, "name": "x\0" * 600, "rate": "0.123456789", "min": -5, "max": 10**30, "type": "?" * 99}
    upstream.canned.append(Reply(msgspec.json.encode([odd])))
    cut = synced(make_provider(upstream.url))
    assert cut.sync_error == ""
    row = cut.services.get()
    assert (row.name, row.rate, row.min, row.max >= 1, len(row.type)) == ("x" * 500, D("0.1234568"), 1, True, 64)


def test_services_follow_what_they_are_told_to(
    upstream: Upstream, provider: Any, make_service: Callable[..., int]
) -> None:
    follower, other = make_service(rate=2), make_service(rate=2)
    route(follower, provider.services.get(upstream_id="1"), follows=["rate", "max"], markup_percent=50, rate_decimals=2)
    route(other, provider.services.get(upstream_id="1"))
    upstream.panel.offers[1].rate = D("1.001")
    upstream.panel.offers[1].max = 777
    synced(provider)
    assert (sold(follower).rate, sold(follower).max, sold(follower).is_active) == (D("1.51"), 777, True)
    assert (sold(other).rate, sold(other).max) == (D(2), 10_000)


def test_costs_are_in_our_currency_and_of_what_is_ordered(provider: Any, service: int) -> None:
    from tradepost.providers.models import Provider

    Provider.objects.filter(pk=provider.pk).update(currency="EUR", exchange_rate="1.1")
    follows = ["rate", "min", "max"]
    route(service, provider.services.get(upstream_id="1"), follows=follows, multiplier=2, overflow_percent=25)
    synced(provider)
    assert (sold(service).rate, sold(service).min, sold(service).max) == (D("2.475"), 4, 4_000)


def test_a_rise_beyond_the_threshold_goes_into_quarantine(upstream: Upstream, provider: Any, service: int) -> None:
    route(service, provider.services.get(upstream_id="1"), follows=["rate"])
    upstream.panel.offers[1].rate = D("1.80")
    synced(provider)
    now = sold(service)
    assert (now.is_active, now.rate) == (False, D("0.9"))
    assert now.quarantine == "Its provider's rate rose by 100 %; it may rise by 20 %."
    synced(provider)
    assert sold(service).quarantine == now.quarantine


def test_a_sale_below_cost_goes_into_quarantine(
    upstream: Upstream, provider: Any, make_service: Callable[..., int]
) -> None:
    fixed, fallback, fine = make_service(rate=1), make_service(rate=1), make_service(rate=4)
    cheap, dear = provider.services.get(upstream_id="1"), provider.services.get(upstream_id="3")
    route(fixed, cheap)
    for each in (fallback, fine):
        route(each, cheap, position=1)
        route(each, dear, position=2)
    upstream.panel.offers[1].rate = D("1.01")
    synced(provider)
    assert sold(fixed).quarantine == "Its rate, 1.00, is below its cost, 1.01."
    assert sold(fallback).quarantine == "Its rate, 1.00, is below its cost, 3.00."
    assert sold(fine).is_active


def test_a_service_whose_last_route_is_gone_goes_off_sale(
    upstream: Upstream, provider: Any, make_service: Callable[..., int]
) -> None:
    only, two = make_service(), make_service()
    elsewhere = make_offer(make_provider(), rate=D("0.1"))
    route(only, provider.services.get(upstream_id="5"))
    route(two, provider.services.get(upstream_id="5"))
    route(two, elsewhere, position=2)
    del upstream.panel.offers[5]
    synced(provider)
    assert "None of its routes leads anywhere" in sold(only).quarantine
    assert not sold(only).is_active
    assert sold(two).is_active


def test_quarantine_is_settled_at_what_the_rate_is_by_now(upstream: Upstream, provider: Any, service: int) -> None:
    from django.db import transaction

    from tradepost.providers import service_sync

    route(service, provider.services.get(upstream_id="1"), follows=["rate"], markup_percent=10, rate_decimals=2)
    upstream.panel.offers[1].rate = D("1.80")
    synced(provider)
    with transaction.atomic():
        assert service_sync.settle_quarantine([service]) == {}
    assert (sold(service).is_active, sold(service).quarantine, sold(service).rate) == (True, "", D("1.98"))


def test_what_is_still_below_cost_stays_in_quarantine(provider: Any, service: int) -> None:
    from django.db import transaction

    from tradepost.providers import service_sync

    route(service, provider.services.get(upstream_id="3"))
    synced(provider)
    with transaction.atomic():
        assert service_sync.settle_quarantine([service]) == {service: "Its rate, 0.90, is below its cost, 3.00."}
    assert not sold(service).is_active


@pytest.mark.usefixtures("workers_at_rest")
def test_a_provider_is_asked_once_however_often_it_is_told_to() -> None:
    from tradepost.fulfilment.tasks.provider_sync import defer_sync

    provider = make_provider()
    assert defer_sync(provider.pk)
    assert not defer_sync(provider.pk)


def test_every_provider_is_asked_each_hour_but_those_that_are_paused() -> None:
    from procrastinate.contrib.django.models import ProcrastinateJob

    from tradepost.fulfilment.tasks.provider_sync import sync_all_providers

    awake, paused = make_provider(), make_provider(is_paused=True)
    sync_all_providers(0)
    waiting = ProcrastinateJob.objects.filter(task_name="provider.sync")
    assert waiting.filter(args__provider=awake.pk).count() == 1
    assert not waiting.filter(args__provider=paused.pk).exists()
