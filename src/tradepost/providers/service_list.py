"""What a provider sells, as its panel lists it, held against what was listed before.

`read` judges a list: one that is empty or broken is none. `take_in` writes what is new, changed or gone, and nothing
else. An entry whose rate can't be read stays as it was.
"""

from collections.abc import Collection, Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec
from django.db.models.functions import Now

from tradepost.database import engine_connection
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.postgres import BIGINT_MAX
from tradepost.providers.markup import RATE_MAX
from tradepost.providers.models import ProviderService
from tradepost_client import Service

ID_CHARS_MAX = 64
SMALLEST = Decimal("0.0000001")


class ServiceListError(TradepostError):
    """This can't be all that the provider sells; the message says why."""


class Listed(msgspec.Struct, frozen=True):
    """A service as a provider lists it, cut to what the database holds."""

    upstream_id: str
    name: str
    type: str
    category: str
    rate: Decimal
    min: int
    max: int
    refill: bool
    cancel: bool
    dripfeed: bool
    description: str
    average_time: str


class List(msgspec.Struct, frozen=True):
    """A provider's list: what could be read, and the ids of what could not."""

    listed: list[Listed]
    unreadable: frozenset[str]


class Update(msgspec.Struct, frozen=True):
    """What a list has changed: how many rows, and what the rates were before, by provider service."""

    new: int
    changed: int
    gone: int
    rates_before: dict[int, Decimal]


_COLUMNS = Listed.__struct_fields__

_TOLD = """jsonb_to_recordset(%(rows)s::jsonb) AS told (
    upstream_id text, name text, type text, category text, rate numeric, min bigint, max bigint,
    refill boolean, cancel boolean, dripfeed boolean, description text, average_time text
)"""

_ADD = f"""
INSERT INTO providers_providerservice (provider_id, {", ".join(_COLUMNS)}, is_delisted, changed_at)
SELECT %(provider)s, {", ".join(f"told.{column}" for column in _COLUMNS)}, false, now() FROM {_TOLD}
"""

_CHANGE = f"""
UPDATE providers_providerservice s
SET ({", ".join(_COLUMNS)}) = ({", ".join(f"told.{column}" for column in _COLUMNS)}), changed_at = now()
FROM {_TOLD}
WHERE s.provider_id = %(provider)s AND s.upstream_id = told.upstream_id
"""


def parse(services: Sequence[Service], *, known: int) -> List:
    """Read a provider's list, of whom `known` services were listed before.

    Raises `Broken` for a list that is empty, of which less than half can be read, or that has less than half of them.
    """
    listed: dict[str, Listed] = {}
    unreadable: set[str] = set()
    for service in services:
        entry = _listed(service)
        if entry is None:
            unreadable.add(_text(str(service.service), ID_CHARS_MAX))
        else:
            listed.setdefault(entry.upstream_id, entry)
    if not services:
        raise ServiceListError("Its list of services is empty.")
    if len(listed) < len(unreadable):
        raise ServiceListError(
            f"Of the {len(services):,} services in its list the rates of {len(unreadable):,} can't be read."
        )
    if 2 * len(listed) < known:
        raise ServiceListError(f"Its list has {len(listed):,} services; it had {known:,} before.")
    return List(list(listed.values()), frozenset(unreadable - listed.keys()))


def _listed(service: Service) -> Listed | None:
    rate, upstream_id = service.rate, str(service.service)
    if rate is None or not rate.is_finite() or not 0 <= rate <= RATE_MAX or len(upstream_id) > ID_CHARS_MAX:
        return None
    least = min(max(service.min or 1, 1), BIGINT_MAX)
    return Listed(
        upstream_id=_text(upstream_id, ID_CHARS_MAX),
        name=_text(service.name, 500) or f"Service {upstream_id}",
        type=_text(service.type, 64),
        category=_text(service.category, 300),
        rate=rate.quantize(SMALLEST, rounding=ROUND_CEILING),
        min=least,
        max=min(max(service.max or least, least), BIGINT_MAX),
        refill=service.refill,
        cancel=service.cancel,
        dripfeed=service.dripfeed,
        description=_text(service.description, None),
        average_time=_text(service.average_time, 60),
    )


def _text(text: str, chars_max: int | None) -> str:
    """Cut a text to size, without what PostgreSQL holds in no text: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="ignore").decode().strip()[:chars_max]


def take_in(provider: int, told: List) -> Update:
    """Write what has changed with a provider's services; the caller has the transaction."""
    known = {row.upstream_id: row for row in ProviderService.objects.filter(provider=provider)}
    new = [each for each in told.listed if each.upstream_id not in known]
    changed = [each for each in told.listed if (was := known.get(each.upstream_id)) and each != _as_listed(was)]
    listed = {each.upstream_id for each in told.listed}
    there = listed | told.unreadable
    gone = [row.pk for id_, row in known.items() if not row.is_delisted and id_ not in there]
    back = [row.pk for id_, row in known.items() if row.is_delisted and id_ in listed]
    _write(_ADD, provider, new)
    _write(_CHANGE, provider, changed)
    _mark(gone, is_delisted=True)
    _mark(back, is_delisted=False)
    rates = {row.pk: row.rate for each in changed if (row := known[each.upstream_id]).rate != each.rate}
    return Update(len(new), len(changed), len(gone), rates)


def _as_listed(row: ProviderService) -> Listed:
    return Listed(*(getattr(row, column) for column in _COLUMNS))


def _write(query: str, provider: int, rows: Sequence[Listed]) -> None:
    if rows:
        told = msgspec.json.encode(rows).decode()
        engine_connection().execute(query, {"provider": provider, "rows": told})


def _mark(ids: Collection[int], *, is_delisted: bool) -> None:
    """Say what is gone or back, if anything is: each such statement counts the catalog's version up."""
    if ids:
        ProviderService.objects.filter(pk__in=ids).update(is_delisted=is_delisted, changed_at=Now())
