"""The orders of the demo's past: what was ordered when and by whom, and what became of it."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from tradepost.catalog.models import Service
from tradepost.engine import attempts, polling
from tradepost.engine.backfill import Attempt, PastOrder, Step
from tradepost.engine.order_types import OrderType
from tradepost.engine.placing import Mode
from tradepost.engine.statuses import Dispatch, Status
from tradepost.fulfilment.tasks import simulator
from tradepost.providers.models import ProviderService
from tradepost.up.demo_history import suppliers
from tradepost.up.demo_history.customers import Customer
from tradepost.up.demo_history.days import DAYS, JUST_NOW

ORDERS = 3_600
GROWTH = 0.6  # by so much more is ordered a day at the end than at the beginning
HOURS = (2, 1, 1, 1, 1, 2, 3, 4, 6, 7, 8, 8, 8, 8, 9, 9, 10, 11, 12, 12, 11, 9, 6, 4)  # of a day, how busy they are
WEEKEND = 0.75  # as busy as any other day
FRIDAY = 5
MODES = {Mode.API: 70, Mode.WEB: 22, Mode.MASS: 8}
QUANTITIES = {100: 12, 250: 14, 500: 22, 1_000: 28, 2_000: 14, 2_500: 9, 5_000: 7, 10_000: 3, 20_000: 1}
COMMENTS = ("Lovely", "More of this, please", "Where was that?", "Best one yet", "Saving this", "Wow", "So good")
SUPPLIED_WEIGHT = 2.5  # what suppliers sell is ordered that much more
REFUSED_PERCENT = 30  # of what was canceled there: the others were taken first


class Ware(msgspec.Struct, frozen=True):
    """A service that is ordered, and who sold it if not the simulator."""

    service: Service
    weight: float
    offer: ProviderService | None


def make(chance: random.Random, now: datetime, customers: Sequence[Customer]) -> Iterator[PastOrder]:
    """Make orders up, in the order of time."""
    wares = _wares(chance)
    weights = [ware.weight for ware in wares]
    cheap = [ware for ware in wares if ware.offer is None and ware.service.type == OrderType.DEFAULT]
    cheapest = sorted(cheap, key=lambda ware: ware.service.rate * ware.service.min)[:4]
    for number, at in enumerate(_moments(chance, now), 1):
        there = [each for each in customers if each.joined_at < at]
        [customer] = chance.choices(there, [each.weight for each in there])
        ware = chance.choice(cheapest) if customer.is_thrifty else chance.choices(wares, weights)[0]
        yield _order(chance, customer, ware, number, at=at, now=now)


def _wares(chance: random.Random) -> list[Ware]:
    """Return what is ordered, some of it far more than the rest, and have the suppliers sell their part."""
    kinds = (OrderType.DEFAULT, OrderType.PACKAGE, OrderType.CUSTOM_COMMENTS)
    services = list(Service.objects.filter(type__in=[kind.value for kind in kinds]).order_by("id"))
    offers = suppliers.make(chance, services)
    ranks = chance.sample(range(1, len(services) + 1), len(services))
    cheap = [float(max(service.rate, Decimal(1))) ** 0.5 for service in services]
    return [
        Ware(service, (SUPPLIED_WEIGHT if service.pk in offers else 1) / rank**0.6 / dear, offers.get(service.pk))
        for service, rank, dear in zip(services, ranks, cheap, strict=True)
    ]


def _moments(chance: random.Random, now: datetime) -> list[datetime]:
    """Return when orders came in: busier at day than at night, on weekdays than at weekends, now than before."""
    begin = now - timedelta(days=DAYS)
    hours = [begin + timedelta(hours=number) for number in range(DAYS * 24)]
    busy = [
        HOURS[hour.hour] * (WEEKEND if hour.isoweekday() > FRIDAY else 1) * (1 + GROWTH * number / len(hours))
        for number, hour in enumerate(hours)
    ]
    drawn = chance.choices(hours, busy, k=ORDERS)
    newest = now - JUST_NOW
    return sorted(min(hour + timedelta(seconds=chance.uniform(0, 3600)), newest) for hour in drawn)


def _order(
    chance: random.Random, customer: Customer, ware: Ware, number: int, *, at: datetime, now: datetime
) -> PastOrder:
    """Make one order up. What becomes of it follows from its number, as with every order of the simulator."""
    life = simulator.plan(number)
    parameters, quantity = _parameters(chance, ware.service, number, is_small=customer.is_thrifty)
    end = life.end
    if customer.is_thrifty or (end is Status.PARTIAL and quantity == 1):
        end = Status.COMPLETED  # what came back would have to be spent; and a package comes whole
    began = at + min(timedelta(seconds=chance.uniform(20, 900)), (now - at) / 4)
    ended = began + min(timedelta(minutes=chance.lognormvariate(3.5, 1.3)), (now - began) / 2)
    attempt = _attempt(chance, ware.offer, number, at, is_canceled=end is Status.CANCELED) if ware.offer else None
    mode = chance.choices(list(MODES), list(MODES.values()))[0] if customer.key else Mode.WEB
    return PastOrder(
        account=customer.account.pk,
        key=customer.key if mode is Mode.API else None,
        mode=mode,
        parameters=parameters,
        at=at,
        dispatch=Dispatch.QUEUED if attempt else Dispatch.SIMULATED,
        steps=_steps(attempt, began, ended, end),
        start_count=None if attempt and not attempt.upstream_id else life.start_count,
        remains=max(quantity * (100 - life.delivered_percent) // 100, 1) if end is Status.PARTIAL else None,
        attempt=attempt,
    )


def _parameters(chance: random.Random, service: Service, number: int, *, is_small: bool) -> tuple[dict[str, str], int]:
    """Return what an order was asked for with, and its quantity."""
    asked = {"service": str(service.pk), "link": f"https://{platform(service)}.example/p/{number * 7919:x}"}
    if service.type == OrderType.PACKAGE:
        return asked, 1
    if service.type == OrderType.CUSTOM_COMMENTS:
        lines = chance.choices(COMMENTS, k=service.min + chance.randrange(10))
        return asked | {"comments": "\n".join(lines)}, len(lines)
    wanted = service.min if is_small else chance.choices(list(QUANTITIES), list(QUANTITIES.values()))[0]
    quantity = min(max(wanted, service.min), service.max)
    return asked | {"quantity": str(quantity)}, quantity


def platform(service: Service) -> str:
    """Return what links to this service's platform begin with, as its name does."""
    return str(service.name).split(maxsplit=1)[0].lower()


def _attempt(chance: random.Random, offer: ProviderService, number: int, at: datetime, *, is_canceled: bool) -> Attempt:
    sent_at = at + timedelta(seconds=chance.uniform(0.3, 2))
    answered_at = sent_at + timedelta(seconds=chance.lognormvariate(-0.7, 0.6))
    is_refused = is_canceled and chance.randrange(100) < REFUSED_PERCENT
    upstream_id = None if is_refused else str(40_000 + number)
    answer = '{"error":"Not enough funds on balance"}' if is_refused else f'{{"order":{upstream_id}}}'
    return Attempt(offer.provider_id, offer.pk, sent_at, answered_at, upstream_id, answer)


def _steps(attempt: Attempt | None, began: datetime, ended: datetime, end: Status) -> list[Step]:
    """Return how an order went: through its supplier, or the simulator."""
    if attempt is None:
        return [Step(began, "simulator", Status.IN_PROGRESS), Step(ended, "simulator", end)]
    sending = Step(attempt.at, attempts.ACTOR, Dispatch.SENDING)
    if attempt.upstream_id is None:
        note = f"{attempts.REFUSED}{attempt.response}"
        refused = Step(attempt.answered_at, attempts.ACTOR, Dispatch.REFUSED, attempt.response)
        return [sending, refused, Step(attempt.answered_at, attempts.ACTOR, Status.CANCELED, note)]
    return [
        sending,
        Step(attempt.answered_at, attempts.ACTOR, Dispatch.SENT),
        Step(began, polling.ACTOR, Status.IN_PROGRESS),
        Step(ended, polling.ACTOR, end),
    ]
