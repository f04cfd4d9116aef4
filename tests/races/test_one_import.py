"""A provider's service is imported once, however many members of staff import it at the same time."""

from functools import partial

from django.db import connections

from tests.builders import make_offer, make_provider
from tests.races.concurrency import all_at_once

IMPORTERS = 8


def test_of_many_who_import_the_same_services_one_makes_them() -> None:
    from tradepost.providers.models import Route
    from tradepost.providers.service_import import ImportOptions, import_services

    provider = make_provider()
    offers = [make_offer(provider).pk for _ in range(5)]

    def import_them() -> int:
        try:
            return len(import_services(offers, ImportOptions()).services)
        finally:
            connections.close_all()

    assert sorted(all_at_once([import_them] * IMPORTERS)) == [0] * (IMPORTERS - 1) + [5]
    assert Route.objects.filter(provider_service__in=offers).count() == 5


def test_of_many_who_need_the_same_new_category_one_makes_it() -> None:
    from tradepost.catalog.models import Category
    from tradepost.providers.service_import import ImportOptions, import_services

    provider = make_provider()
    offers = [make_offer(provider).pk for _ in range(IMPORTERS)]

    def import_one(offer: int) -> int:
        try:
            return len(import_services([offer], ImportOptions(new_category=f"New with {provider}")).services)
        finally:
            connections.close_all()

    assert all_at_once([partial(import_one, offer) for offer in offers]) == [1] * IMPORTERS
    assert Category.objects.get(name=f"New with {provider}").services.count() == IMPORTERS
