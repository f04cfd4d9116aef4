"""Edit many services at once: plan the change of each service, then write the changes.

`plan_edits` works without the database; `apply` writes all plans or none, in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from tradepost import formats
from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine.enums import TextEnum
from tradepost.engine.exceptions import TradepostError
from tradepost.providers import markup, service_sync
from tradepost.providers.costs import Costs
from tradepost.site_settings import effective as site_settings

RATE_DECIMALS = 7
FIELDS = (
    "rate", "min", "max", "is_active", "category_id",
    "refill", "refill_days", "refill_wait_hours", "cancel", "dripfeed",
)  # fmt: skip


class RateBy(TextEnum):
    """How a new rate is computed from `Edit.figure`."""

    SET = "set"
    PERCENT = "percent"
    AMOUNT = "amount"
    MARKUP = "markup"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    RateBy.SET: "Set to the figure",
    RateBy.PERCENT: "Raise by percent (lower: with a minus)",
    RateBy.AMOUNT: "Raise by an amount (lower: with a minus)",
    RateBy.MARKUP: "Cost plus percent",
}


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """The new values of services; None leaves a field as it is.

    The new rate is rounded to `decimals`: up if it is computed from the cost (of the dearest active route), otherwise
    half up.
    """

    rate_by: RateBy | None = None
    figure: Decimal = Decimal(0)
    decimals: int = RATE_DECIMALS
    min: int | None = None
    max: int | None = None
    is_active: bool | None = None
    refill: bool | None = None
    refill_days: int | None = None
    refill_wait_hours: int | None = None
    cancel: bool | None = None
    dripfeed: bool | None = None
    category_id: int | None = None


class EditPlan(msgspec.Struct, frozen=True):
    """What an edit would do to one service.

    `changes` maps field names to the old and new value. `refusal` is why the edit is impossible, "" if it is possible.
    """

    service: Service
    changes: dict[str, tuple[Any, Any]]
    refusal: str = ""
    warnings: Sequence[str] = ()

    @property
    def is_to_change(self) -> bool:
        return bool(self.changes) and not self.refusal


class _EditRefusedError(TradepostError):
    """The edit of this service is impossible; the message says why. Never leaves this module."""


_WRITE = f"""
UPDATE catalog_service s SET ({", ".join(FIELDS)}) = ({", ".join(f"new.{field}" for field in FIELDS)})
FROM jsonb_to_recordset(%s::jsonb) AS new (
    id bigint, rate numeric, min bigint, max bigint, is_active boolean, refill boolean, refill_days int,
    refill_wait_hours int, cancel boolean, dripfeed boolean, category_id bigint
)
WHERE s.id = new.id
"""


def plan_edits(services: Sequence[Service], edit: Edit, costs: Mapping[int, Costs]) -> list[EditPlan]:
    """Return the plan for each service, in the order of `services`."""
    return [_plan(service, edit, costs.get(service.pk)) for service in services]


def _plan(service: Service, edit: Edit, costs: Costs | None) -> EditPlan:
    wanted = {name: value for name in FIELDS[1:] if (value := getattr(edit, name)) is not None}
    try:
        if edit.rate_by:
            wanted["rate"] = _rate(service.rate, edit, costs)
        changes = {
            name: (old, wanted[name])
            for name in FIELDS
            if name in wanted and (old := getattr(service, name)) != wanted[name]
        }
        _check(service, {name: new for name, (_, new) in changes.items()})
    except _EditRefusedError as error:
        return EditPlan(service, {}, str(error))
    return EditPlan(service, changes, warnings=_warnings(service, changes, costs))


def _rate(now: Decimal, edit: Edit, costs: Costs | None) -> Decimal:
    if edit.rate_by is RateBy.MARKUP:
        if costs is None:
            raise _EditRefusedError("What it costs is not known")
        return markup.rate_for(costs.dearest, edit.figure, edit.decimals)
    if edit.rate_by is RateBy.PERCENT:
        rate = now * (markup.HUNDRED + edit.figure) / markup.HUNDRED
    else:
        rate = edit.figure if edit.rate_by is RateBy.SET else now + edit.figure
    return rate.quantize(Decimal(1).scaleb(-edit.decimals), rounding=ROUND_HALF_UP)


def _check(service: Service, new: Mapping[str, Any]) -> None:
    """Raise `_EditRefusedError` if the database would refuse the new values."""
    rate = new.get("rate", service.rate)
    least, most = new.get("min", service.min), new.get("max", service.max)
    if rate < 0:
        raise _EditRefusedError(f"Its rate would be below nothing, {_money_text(rate)}")
    if rate > markup.RATE_MAX:
        raise _EditRefusedError("Its rate would be more than a rate can be")
    if most < least:
        raise _EditRefusedError(f"Its min, {formats.whole(least)}, would be above its max, {formats.whole(most)}")
    if new.get("is_active") and service.quarantine:
        raise _EditRefusedError("It is in quarantine: settle that first")


def _warnings(service: Service, changes: Mapping[str, tuple[Any, Any]], costs: Costs | None) -> list[str]:
    if costs is None or not changes:
        return []
    rate = changes["rate"][1] if "rate" in changes else service.rate
    warnings = []
    if costs.is_above(rate):
        warnings.append(f"Below its cost, {_money_text(round(costs.dearest, 7))}: it goes off sale, into quarantine")
    if "rate" in changes and costs.follows_rate:
        warnings.append("Its rate follows its provider's, and will change with it")
    return warnings


def _money_text(rate: Decimal) -> str:
    return formats.exact_money(rate, site_settings.currency())


def apply(plans: Sequence[EditPlan]) -> dict[int, str]:
    """Write the plans in one statement. Return the reasons of the services that this puts into quarantine, by id."""
    changing = [plan for plan in plans if plan.is_to_change]
    if not changing:
        return {}
    engine_connection().execute(_WRITE, [msgspec.json.encode([_row(plan) for plan in changing]).decode()])
    return service_sync.check_costs([plan.service.pk for plan in changing])


def _row(plan: EditPlan) -> dict[str, Any]:
    new = {name: value for name, (_, value) in plan.changes.items()}
    return {"id": plan.service.pk, **{name: new.get(name, getattr(plan.service, name)) for name in FIELDS}}
