"""What an edit of many services would do to each of them, decided without a database."""

from decimal import Decimal
from typing import Any

import pytest

from tradepost.catalog.models import Service
from tradepost.providers.bulk_edit import Edit, EditPlan, RateBy, plan_edits
from tradepost.providers.costs import Costs

D = Decimal
COSTS = Costs(first=D("0.5"), cheapest=D("0.4"), dearest=D("0.6"))


def planned(edit: Edit, *, costs: Costs | None = None, **fields: Any) -> EditPlan:
    """Consider an edit of a service at 0.90, from 10 to 10,000."""
    service = Service(id=1, **{"rate": D("0.9"), "min": 10, "max": 10_000, "category_id": 1, **fields})
    [plan] = plan_edits([service], edit, {1: costs} if costs else {})
    return plan


@pytest.mark.parametrize(
    ("by", "figure", "decimals", "rate"),
    [
        (RateBy.SET, "1.2345", 7, "1.2345"),
        (RateBy.SET, "1.2345", 2, "1.23"),
        (RateBy.PERCENT, "12.5", 7, "1.0125"),
        (RateBy.PERCENT, "12.5", 2, "1.01"),
        (RateBy.PERCENT, "-50", 2, "0.45"),
        (RateBy.AMOUNT, "0.105", 2, "1.01"),
        (RateBy.AMOUNT, "-0.5", 7, "0.4"),
        (RateBy.MARKUP, "33.33", 2, "0.80"),  # of the dearest route, rounded up
    ],
)
def test_a_rate_is_made_of_a_figure(by: RateBy, figure: str, decimals: int, rate: str) -> None:
    plan = planned(Edit(rate_by=by, figure=D(figure), decimals=decimals), costs=COSTS)
    assert plan.changes == {"rate": (D("0.9"), D(rate))}


def test_what_is_so_already_does_not_change() -> None:
    plan = planned(Edit(rate_by=RateBy.SET, figure=D("0.90"), min=10, is_active=True))
    assert plan.changes == {}
    assert not plan.is_to_change


def test_each_field_changes_on_its_own() -> None:
    edit = Edit(min=5, max=20, is_active=False, refill=True, refill_days=0, cancel=True, dripfeed=True, category_id=2)
    assert planned(edit).changes == {
        "min": (10, 5), "max": (10_000, 20), "is_active": (True, False), "category_id": (1, 2),
        "refill": (False, True), "refill_days": (30, 0), "cancel": (False, True), "dripfeed": (False, True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Edit(max=5), "Its min, 10, would be above its max, 5"),
        (Edit(rate_by=RateBy.AMOUNT, figure=D(-1)), "Its rate would be below nothing, -$0.10"),
        (Edit(rate_by=RateBy.MARKUP, figure=D(10)), "What it costs is not known"),
        (Edit(rate_by=RateBy.SET, figure=D(10**13)), "Its rate would be more than a rate can be"),
    ],
)
def test_what_can_not_be_is_refused(edit: Edit, why: str) -> None:
    plan = planned(edit)
    assert plan.refusal == why
    assert not plan.is_to_change


def test_what_is_in_quarantine_is_not_put_on_sale() -> None:
    assert planned(Edit(is_active=True), is_active=False, quarantine="Why").refusal.startswith("It is in quarantine")


def test_what_would_be_below_cost_is_told() -> None:
    [warning] = planned(Edit(rate_by=RateBy.SET, figure=D("0.55")), costs=COSTS).warnings
    assert warning.startswith("Below its cost, $0.60")
    assert planned(Edit(rate_by=RateBy.SET, figure=D("0.6")), costs=COSTS).warnings == []


def test_that_a_sync_sets_the_rate_again_is_told() -> None:
    follows = Costs(D("0.5"), D("0.5"), D("0.5"), follows_rate=True)
    [warning] = planned(Edit(rate_by=RateBy.SET, figure=D(1)), costs=follows).warnings
    assert warning.startswith("Its rate follows")
    assert planned(Edit(min=1), costs=follows).warnings == []
