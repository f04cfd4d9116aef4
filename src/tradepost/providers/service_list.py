"""A provider's list of services, compared with the services stored before.

`parse` rejects a list that is empty or broken. `store_changes` writes only what is new, changed or delisted. If the
rate of a service can't be read, the stored service stays as it was.
"""

from collections.abc import Collection, Sequence
from decimal import ROUND_CEILING, Decimal

import msgspec
from django.db.models.functions import Now

from tradepost.database import engine_connection
from tradepost.engine.exceptions import TradepostError
from tradepost.engine.postgres import BIGINT_MAX, storable
from tradepost.providers.markup import RATE_MAX
from tradepost.providers.models import ProviderService
from tradepost_client import Service

ID_CHARS_MAX = 64
SMALLEST = Decimal("0.0000001")
NO_MAXIMUM = 2_147_483_647
"""The maximum of a service whose provider names none. It is what many panels list: the most that their tables hold."""


class ServiceListError(TradepostError):
    """The list is not credible; the message says why."""


class ListedService(msgspec.Struct, frozen=True):
    """A service as the provider lists it, cut to the sizes that the database holds."""

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


class ServiceList(msgspec.Struct, frozen=True):
    """The services that could be read, and the ids of those that could not."""

    listed: list[ListedService]
    unreadable: frozenset[str]


class ListChanges(msgspec.Struct, frozen=True):
    """How many rows a list has changed, and the old rates by provider service, where the rate changed."""

    new: int
    changed: int
    delisted: int
    rates_before: dict[int, Decimal]


_COLUMNS = ListedService.__struct_fields__

_NEW_ROWS = """jsonb_to_recordset(%(rows)s::jsonb) AS new (
    upstream_id text, name text, type text, category text, rate numeric, min bigint, max bigint,
    refill boolean, cancel boolean, dripfeed boolean, description text, average_time text
)"""

_ADD = f"""
INSERT INTO providers_providerservice (provider_id, {", ".join(_COLUMNS)}, is_delisted, changed_at)
SELECT %(provider)s, {", ".join(f"new.{column}" for column in _COLUMNS)}, false, now() FROM {_NEW_ROWS}
"""

_CHANGE = f"""
UPDATE providers_providerservice s
SET ({", ".join(_COLUMNS)}) = ({", ".join(f"new.{column}" for column in _COLUMNS)}), changed_at = now()
FROM {_NEW_ROWS}
WHERE s.provider_id = %(provider)s AND s.upstream_id = new.upstream_id
"""


def parse(services: Sequence[Service], *, known: int) -> ServiceList:
    """Read a list of services, from a provider that listed `known` services before.

    Raises `ServiceListError` if the list is empty, if less than half of its services can be read, or if it has less
    than half of the services known before.
    """
    listed: dict[str, ListedService] = {}
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
    return ServiceList(list(listed.values()), frozenset(unreadable - listed.keys()))


def _listed(service: Service) -> ListedService | None:
    rate, upstream_id = service.rate, str(service.service)
    if rate is None or not rate.is_finite() or not 0 <= rate <= RATE_MAX or len(upstream_id) > ID_CHARS_MAX:
        return None
    least = min(max(service.min or 1, 1), BIGINT_MAX)
    most = NO_MAXIMUM if service.max is None else service.max
    return ListedService(
        upstream_id=_text(upstream_id, ID_CHARS_MAX),
        name=_text(service.name, 500) or f"Service {upstream_id}",
        type=_text(service.type, 64),
        category=_text(service.category, 300),
        rate=rate.quantize(SMALLEST, rounding=ROUND_CEILING),
        min=least,
        max=min(max(most, least), BIGINT_MAX),
        refill=service.refill,
        cancel=service.cancel,
        dripfeed=service.dripfeed,
        description=_text(service.description, None),
        average_time=_text(service.average_time, 60),
    )


def _text(text: str, chars_max: int | None) -> str:
    return storable(text).strip()[:chars_max]


def store_changes(provider: int, service_list: ServiceList) -> ListChanges:
    """Write the differences to the stored services, in the caller's transaction."""
    known = {row.upstream_id: row for row in ProviderService.objects.filter(provider=provider)}
    new = [entry for entry in service_list.listed if entry.upstream_id not in known]
    changed = [
        entry for entry in service_list.listed if (row := known.get(entry.upstream_id)) and entry != _as_listed(row)
    ]
    listed = {entry.upstream_id for entry in service_list.listed}
    present = listed | service_list.unreadable
    delisted = [row.pk for id_, row in known.items() if not row.is_delisted and id_ not in present]
    relisted = [row.pk for id_, row in known.items() if row.is_delisted and id_ in listed]
    _write(_ADD, provider, new)
    _write(_CHANGE, provider, changed)
    _mark(delisted, is_delisted=True)
    _mark(relisted, is_delisted=False)
    rates = {row.pk: row.rate for entry in changed if (row := known[entry.upstream_id]).rate != entry.rate}
    return ListChanges(len(new), len(changed), len(delisted), rates)


def _as_listed(row: ProviderService) -> ListedService:
    return ListedService(*(getattr(row, column) for column in _COLUMNS))


def _write(query: str, provider: int, rows: Sequence[ListedService]) -> None:
    if rows:
        encoded = msgspec.json.encode(rows).decode()
        engine_connection().execute(query, {"provider": provider, "rows": encoded})


def _mark(ids: Collection[int], *, is_delisted: bool) -> None:
    """Set `is_delisted`. Without ids, run no statement: each one raises the catalog's version."""
    if ids:
        ProviderService.objects.filter(pk__in=ids).update(is_delisted=is_delisted, changed_at=Now())
