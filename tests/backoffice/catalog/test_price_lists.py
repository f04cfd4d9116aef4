"""Price lists in the back office: their members, effective rates, and copies of custom rates."""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from tests.backoffice.browsers import sign_in
from tests.conftest import Customer

_numbers = count(1)


@pytest.fixture
def price_list() -> Any:
    """A price list with a discount of 10 % on everything."""
    from tradepost.catalog.models import PriceList

    return PriceList.objects.create(name=f"Resellers {next(_numbers)}", discount_percent=10)


def agree(client: Client, address: str, **fields: Any) -> Any:
    """Preview what a page would do, then confirm it."""
    seen = client.post(address, {"step": "look", **fields}).context["proposal"].fingerprint
    return client.post(address, {"step": "apply", "seen": seen, **fields})


def test_a_list_is_made_with_its_discounts_rates_and_members(staff: Client, alice: Customer, service: int) -> None:
    from tradepost.catalog.models import PriceList, Service

    form = {
        "name": f"Made {service}", "discount_percent": "12.5", "not_below_cost": "on",
        "discounts-TOTAL_FORMS": 1, "discounts-INITIAL_FORMS": 0,
        "discounts-0-category": Service.objects.get(pk=service).category_id, "discounts-0-discount_percent": "20",
        "rates-TOTAL_FORMS": 1, "rates-INITIAL_FORMS": 0, "rates-0-service": service, "rates-0-rate": "0.7",
        "members-TOTAL_FORMS": 1, "members-INITIAL_FORMS": 0, "members-0-account": alice.id,
    }  # fmt: skip
    response = staff.post(reverse("admin:catalog_pricelist_add"), form)
    assert response.status_code == 302, response.context["errors"]
    made = PriceList.objects.get(name=f"Made {service}")
    assert (made.discounts.count(), made.rates.get().rate, made.members.get().account_id) == (
        1,
        Decimal("0.7"),
        alice.id,
    )
    page = staff.get(reverse("admin:catalog_pricelist_change", args=[made.pk])).content.decode()
    assert 'value="12.50"' in page
    assert staff.post(reverse("admin:catalog_pricelist_add"), {**form, "name": "Other"}).status_code == 200


@pytest.mark.parametrize("percent", ["-1", "100.0001", "1.00001"])
def test_a_discount_is_from_nothing_to_everything(staff: Client, percent: str) -> None:
    from tradepost.catalog.models import PriceList

    empty = {
        f"{name}-{total}": 0 for name in ("discounts", "rates", "members") for total in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    form = {"name": f"Odd {percent}", "discount_percent": percent, **empty}
    assert staff.post(reverse("admin:catalog_pricelist_add"), form).status_code == 200
    assert not PriceList.objects.filter(name=f"Odd {percent}").exists()


def test_many_join_by_their_addresses(staff: Client, price_list: Any, make_customer: Callable[..., Customer]) -> None:
    from tradepost.catalog.models import PriceList, PriceListMember

    people = [make_customer("0") for _ in range(3)]
    other = PriceList.objects.create(name=f"Other {next(_numbers)}")
    PriceListMember.objects.create(account_id=people[2].id, price_list=other)
    first, second, third = (person.email for person in people)
    pasted = f"Ann <{first.upper()}>, {second};\n{third} nobody@nowhere.example {first}"
    address = reverse("admin:catalog_pricelist_join", args=[price_list.pk])
    text = staff.post(address, {"step": "look", "addresses": pasted}).content.decode()
    assert "2 accounts join" in text
    assert "1 addresses are of no account" in text
    assert f"on {other}" in text
    assert agree(staff, address, addresses=pasted).status_code == 302
    assert set(price_list.members.values_list("account_id", flat=True)) == {people[0].id, people[1].id}
    assert agree(staff, address, addresses=pasted, moves="on").status_code == 302
    assert price_list.members.count() == 3
    assert not other.members.exists()


def test_what_is_pasted_wrongly_is_still_there(staff: Client, price_list: Any) -> None:
    address = reverse("admin:catalog_pricelist_join", args=[price_list.pk])
    text = staff.post(address, {"step": "look", "addresses": "Ann and Bob"}).content.decode()
    assert "There is no e-mail address in it." in text
    assert "Ann and Bob" in text


def test_a_list_with_members_is_not_deleted(staff: Client, price_list: Any, alice: Customer) -> None:
    from tradepost.catalog.models import PriceList, PriceListMember

    member = PriceListMember.objects.create(account_id=alice.id, price_list=price_list)
    delete = reverse("admin:catalog_pricelist_delete", args=[price_list.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    member.delete()
    assert staff.post(delete, {"post": "yes"}).status_code == 302
    assert not PriceList.objects.filter(pk=price_list.pk).exists()


def test_who_pays_what_is_told_with_the_rule_that_decides(
    staff: Client, price_list: Any, alice: Customer, make_service: Callable[..., int]
) -> None:
    from tradepost.catalog.models import CustomRate, PriceListMember, PriceListRate

    name = f"Paid {price_list.pk}"
    plain, listed, own = (make_service(name=name) for _ in range(3))
    PriceListMember.objects.create(account_id=alice.id, price_list=price_list)
    PriceListRate.objects.create(price_list=price_list, service_id=listed, rate="0.7")
    CustomRate.objects.create(account_id=alice.id, service_id=own, rate="0.6")
    response = staff.get(reverse("admin:catalog_pricelist_paying"), {"account": alice.email.upper(), "q": name})
    rows = {row["service"].pk: (row["rate"], row["rule"]) for row in response.context["rows"]}
    assert {service: strip_tags(rate) for service, (rate, _) in rows.items()} == {
        plain: "$0.81",
        listed: "$0.70",
        own: "$0.60",
    }
    for service, rule in ((plain, "list discount"), (listed, "the list&#x27;s rate"), (own, "custom rate")):
        assert rule in rows[service][1]
    nobody = staff.get(reverse("admin:catalog_pricelist_paying"), {"account": "nobody@nowhere.example"})
    assert "There is no account of this address." in nobody.content.decode()


def test_rates_are_copied_between_accounts(
    staff: Client, alice: Customer, bob: Customer, make_service: Callable[..., int]
) -> None:
    from tradepost.catalog.models import CustomRate

    first, second = make_service(), make_service()
    for service, rate in ((first, "0.5"), (second, "0.6")):
        CustomRate.objects.create(account_id=alice.id, service_id=service, rate=rate)
    CustomRate.objects.create(account_id=bob.id, service_id=first, rate="0.1")
    address = reverse("admin:catalog_customrate_copy")
    asked = {"source": alice.email, "targets": f"{bob.email}, {alice.email}", "existing": "keep"}

    def bobs() -> list[Decimal]:
        return list(CustomRate.objects.filter(account=bob.id).order_by("service").values_list("rate", flat=True))

    text = staff.post(address, {"step": "look", **asked}).content.decode()
    assert "1 rates are copied, 0 of them over others; 1 stay" in text
    assert agree(staff, address, **asked).status_code == 302
    assert bobs() == [Decimal("0.1"), Decimal("0.6")]
    assert agree(staff, address, **{**asked, "existing": "overwrite"}).status_code == 302
    assert bobs() == [Decimal("0.5"), Decimal("0.6")]


def test_rates_are_not_copied_to_a_slip(staff: Client, alice: Customer) -> None:
    form = {"step": "look", "source": alice.email, "targets": "slip@nowhere.example", "existing": "keep"}
    text = staff.post(reverse("admin:catalog_customrate_copy"), form).content.decode()
    assert "Of no account: slip@nowhere.example." in text
    assert "slip@nowhere.example</textarea>" in text


def test_charlie_may_do_none_of_it(charlie: Client, price_list: Any) -> None:
    for name, arguments in (("pricelist_paying", []), ("pricelist_join", [price_list.pk]), ("customrate_copy", [])):
        assert charlie.get(reverse(f"admin:catalog_{name}", args=arguments)).status_code == 403
    assert sign_in().get(reverse("admin:catalog_pricelist_paying")).status_code == 302
