"""Lists of services as providers send them, stored and imported; and texts that were stored with entities before."""

import importlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from testkit.upstream.dialects import WRAPPED
from testkit.upstream.panel import Offer, Panel
from testkit.upstream.server import Reply, Upstream
from tests.builders import make_offer, make_provider, route

D = Decimal


def synced(provider: Any) -> Any:
    from tradepost.fulfilment.tasks.provider_sync import sync_provider

    sync_provider(provider.pk)
    provider.refresh_from_db()
    assert provider.sync_error == ""
    return provider


def stored(*entries: dict[str, Any]) -> list[Any]:
    """Let a provider list these services, and return them as they are stored."""
    fields = [{"name": "Likes", "rate": "0.90", "min": 1, "max": 9, **entry} for entry in entries]
    with Upstream() as upstream:
        upstream.canned = [Reply(json.dumps([{"service": id_, **each} for id_, each in enumerate(fields, 1)]).encode())]
        provider = synced(make_provider(upstream.url))
    return list(provider.services.order_by("upstream_id"))


def imported(offer: Any, **options: Any) -> Any:
    """Import a provider's service, and return ours; if it is refused, why."""
    from tradepost.catalog.models import Service
    from tradepost.providers.service_import import ImportOptions, import_services

    result = import_services([offer.pk], ImportOptions(**options))
    return Service.objects.get(pk=result.services[0]) if result.services else result.refused[0]


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("custom_comments", "Custom Comments"), ("mentions_custom_list", "Mentions Custom List"),
        ("invites_from_groups", "Invites from Groups"), ("SUBSCRIPTION", "Subscriptions"), ("0", "Default"),
        ("Comments-Replies", "Comment Replies"),
    ],
)  # fmt: skip
def test_a_type_is_imported_in_any_spelling_also_if_it_was_stored_before(written: str, type_: str) -> None:
    (offer,) = stored({"type": written})
    assert offer.type == type_
    assert imported(offer).type == type_
    assert imported(make_offer(make_provider(), type=written)).type == type_


def test_a_type_that_nobody_knows_is_refused_by_its_name() -> None:
    (offer,) = stored({"type": "drip_feed"})
    assert imported(offer).endswith("orders of the type drip_feed are unknown here")


@pytest.mark.parametrize("most", ["unlimited", None, "∞", "", -1])
def test_a_service_without_a_maximum_takes_any_quantity(most: Any) -> None:
    (offer,) = stored({"min": "1K", "max": most})
    assert (offer.min, offer.max) == (1_000, 2_147_483_647)
    assert imported(offer).max == 2_147_483_647


def test_limits_and_rates_are_stored_as_the_numbers_they_are() -> None:
    first, second, third = stored(
        {"rate": "0,900", "min": "10", "max": "10K"},
        {"rate": "12,50", "min": "1 000", "max": "1M"},
        {"rate": "1,500", "min": "1.000", "max": "10 000"},
    )
    assert (first.rate, first.min, first.max) == (D("0.9"), 10, 10_000)
    assert (second.rate, second.min, second.max) == (D("12.5"), 1_000, 1_000_000)
    assert (third.rate, third.min, third.max) == (D("1.5"), 1_000, 10_000)


def test_texts_are_stored_and_imported_as_text() -> None:
    (offer,) = stored({"name": "Real &amp; Active", "category": "A &amp;amp; B &#9733;", "desc": "it&#39;s &lt;b&gt;"})
    assert (offer.name, offer.category, offer.description) == ("Real & Active", "A & B ★", "it's <b>")
    service = imported(offer)
    assert (service.name, service.description, service.category.name) == ("Real & Active", "it's <b>", "A & B ★")


def test_a_list_in_the_wrapped_dialect_is_taken_in() -> None:
    offers = [Offer(1, name="Real & Active", type="Custom Comments"), Offer(2, rate=D("1.5"))]
    with Upstream(Panel(offers, balance=D("12.5")), dialect=WRAPPED) as upstream:
        provider = synced(make_provider(upstream.url))
    assert provider.balance == D("12.5")
    assert list(provider.services.order_by("pk").values_list("name", "type", "rate", "cancel")) == [
        ("Real & Active", "Custom Comments", D("0.9"), True),
        ("Pixelpond Followers", "Default", D("1.5"), True),
    ]


def unescape_stored_texts() -> None:
    importlib.import_module("tradepost.providers.migrations.0004_texts_without_entities").unescape_texts(apps, None)


def test_what_is_stored_with_entities_is_unescaped_wherever_it_is_the_provider_s(
    make_service: Callable[..., int],
) -> None:
    from tradepost.catalog.models import Category, Service

    escaped, text = "Real &amp; Active &amp;lt;b&amp;gt;", "Real & Active <b>"
    offer = make_offer(make_provider(), name=escaped, category="Old &amp; gold", description=escaped)
    category = Category.objects.create(name="Old &amp; gold")
    same, follower, typed, own = (
        make_service(name=name, description=name) for name in (escaped, "Mine &amp; more", "Typed &amp; kept", escaped)
    )
    for service, follows in ((same, []), (follower, ["name"]), (typed, ["rate"])):
        route(service, offer, follows=follows)
    unescape_stored_texts()
    offer.refresh_from_db()
    category.refresh_from_db()
    assert (offer.name, offer.category, offer.description, category.name) == (text, "Old & gold", text, "Old & gold")
    texts = {
        pk: (name, description) for pk, name, description in Service.objects.values_list("pk", "name", "description")
    }
    assert texts[same] == (text, text)
    assert texts[follower] == ("Mine & more", "Mine &amp; more")
    assert texts[typed] == ("Typed &amp; kept", "Typed &amp; kept")
    assert texts[own] == (escaped, escaped)


@pytest.mark.parametrize("name", ["AT&T;", "a=1&copy=2; b", "R&D; more", "&unknown;", "plain"])
def test_what_only_looks_like_an_entity_stays(name: str, service: int) -> None:
    offer = make_offer(make_provider(), name=name)
    route(service, offer, follows=["name"])
    unescape_stored_texts()
    offer.refresh_from_db()
    assert offer.name == name


def test_a_category_is_not_renamed_to_one_that_exists() -> None:
    from tradepost.catalog.models import Category

    make_offer(make_provider(), category="Both &amp; there")
    Category.objects.bulk_create([Category(name="Both &amp; there"), Category(name="Both & there")])
    unescape_stored_texts()
    assert Category.objects.filter(name__startswith="Both &").count() == 2


def test_a_sync_after_that_changes_nothing() -> None:
    entry = {"service": 1, "name": "Real &amp; Active", "rate": "0.90", "min": 1, "max": 9, "desc": "&nbsp;it&#39;s "}
    changed_at = set()
    with Upstream() as upstream:
        provider = make_provider(upstream.url)
        for _ in range(2):
            upstream.canned = [Reply(json.dumps([entry]).encode())]
            synced(provider)
            unescape_stored_texts()
            changed_at.add(provider.services.get().changed_at)
    assert len(changed_at) == 1
