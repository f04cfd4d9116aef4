"""Many services edited at once: what would change of each, with what is wrong about it, and the change itself.

`consider` decides it without the database; `apply` writes it, all or nothing, in the caller's transaction.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from tradepost.catalog.models import Service
from tradepost.database import engine_connection
from tradepost.engine import money
from tradepost.engine.enums import TextEnum
from tradepost.engine.exceptions import TradepostError
from tradepost.providers import markup, service_sync
from tradepost.providers.costs import Costs

RATE_DECIMALS = 7
FIELDS = (
    "rate", "min", "max", "is_active", "category_id",
    "refill", "refill_days", "refill_wait_hours", "cancel", "dripfeed",
)  # fmt: skip


class RateBy(TextEnum):
    """How a rate is made of a figure."""

    SET = "set"
    PERCENT = "percent"
    AMOUNT = "amount"
    MARKUP = "markup"

    @property
    def label(self) -> str:
        """How the form calls it."""
        return _LABELS[self]


_LABELS = {
    RateBy.SET: "Set to the figure",
    RateBy.PERCENT: "Raise by percent (lower: with a minus)",
    RateBy.AMOUNT: "Raise by an amount (lower: with a minus)",
    RateBy.MARKUP: "Cost plus percent",
}


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of services; None leaves a field as it is.

    A cost is that of the dearest active route. `decimals` are those that a rate is rounded to: up if it is made of a
    cost, else half up.
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


class Considered(msgspec.Struct, frozen=True):
    """A service, the fields that would change with their old and new values, why it can't be, and what to mind."""

    service: Service
    changes: dict[str, tuple[Any, Any]]
    refusal: str = ""
    warnings: Sequence[str] = ()

    @property
    def is_to_change(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.changes) and not self.refusal


class _RefusedError(TradepostError):
    """It can't be; the message says why."""


_WRITE = f"""
UPDATE catalog_service s SET ({", ".join(FIELDS)}) = ({", ".join(f"told.{field}" for field in FIELDS)})
FROM jsonb_to_recordset(%s::jsonb) AS told (
    id bigint, rate numeric, min bigint, max bigint, is_active boolean, refill boolean, refill_days int,
    refill_wait_hours int, cancel boolean, dripfeed boolean, category_id bigint
)
WHERE s.id = told.id
"""


def consider(services: Sequence[Service], edit: Edit, costs: Mapping[int, Costs]) -> list[Considered]:
    """Return what an edit would do to each of these services, in their order."""
    return [_consider(service, edit, costs.get(service.pk)) for service in services]


def _consider(service: Service, edit: Edit, costs: Costs | None) -> Considered:
    asked = {name: value for name in FIELDS[1:] if (value := getattr(edit, name)) is not None}
    try:
        if edit.rate_by:
            asked["rate"] = _rate(service.rate, edit, costs)
        changes = {
            name: (was, asked[name])
            for name in FIELDS
            if name in asked and (was := getattr(service, name)) != asked[name]
        }
        _check(service, {name: new for name, (_, new) in changes.items()})
    except _RefusedError as why:
        return Considered(service, {}, str(why))
    return Considered(service, changes, warnings=_warnings(service, changes, costs))


def _rate(now: Decimal, edit: Edit, costs: Costs | None) -> Decimal:
    if edit.rate_by is RateBy.MARKUP:
        if costs is None:
            raise _RefusedError("What it costs is not known")
        return markup.rate_for(costs.dearest, edit.figure, edit.decimals)
    if edit.rate_by is RateBy.PERCENT:
        rate = now * (markup.HUNDRED + edit.figure) / markup.HUNDRED
    else:
        rate = edit.figure if edit.rate_by is RateBy.SET else now + edit.figure
    return rate.quantize(Decimal(1).scaleb(-edit.decimals), rounding=ROUND_HALF_UP)


def _check(service: Service, new: Mapping[str, Any]) -> None:
    """Raise `_RefusedError` for what the database would refuse."""
    rate = new.get("rate", service.rate)
    least, most = new.get("min", service.min), new.get("max", service.max)
    if rate < 0:
        raise _RefusedError(f"Its rate would be below nothing, {money.show(rate)}")
    if rate > markup.RATE_MAX:
        raise _RefusedError("Its rate would be more than a rate can be")
    if most < least:
        raise _RefusedError(f"Its min, {least:,}, would be above its max, {most:,}")
    if new.get("is_active") and service.quarantine:
        raise _RefusedError("It is in quarantine: settle that first")


def _warnings(service: Service, changes: Mapping[str, tuple[Any, Any]], costs: Costs | None) -> list[str]:
    if costs is None or not changes:
        return []
    rate = changes["rate"][1] if "rate" in changes else service.rate
    warnings = []
    if costs.is_above(rate):
        warnings.append(f"Below its cost, {money.show(round(costs.dearest, 7))}: it goes off sale, into quarantine")
    if "rate" in changes and costs.follows_rate:
        warnings.append("Its rate follows its provider's, which sets it anew when that changes")
    return warnings


def apply(considered: Sequence[Considered]) -> dict[int, str]:
    """Write what was considered, in one statement; return why, by those that go into quarantine for it."""
    changing = [each for each in considered if each.is_to_change]
    if not changing:
        return {}
    engine_connection().execute(_WRITE, [msgspec.json.encode([_row(each) for each in changing]).decode()])
    return service_sync.check_costs([each.service.pk for each in changing])


def _row(each: Considered) -> dict[str, Any]:
    new = {name: value for name, (_, value) in each.changes.items()}
    return {"id": each.service.pk, **{name: new.get(name, getattr(each.service, name)) for name in FIELDS}}
