"""The orders of the demo's past: who ordered what and when, and how each order ended."""

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
from tradepost.up.demo_history.days import DAYS, NEWEST_ORDER_AGE

ORDERS = 3_600
GROWTH = 0.6  # at the end there are 60 % more orders a day than at the beginning
HOURS = (2, 1, 1, 1, 1, 2, 3, 4, 6, 7, 8, 8, 8, 8, 9, 9, 10, 11, 12, 12, 11, 9, 6, 4)  # how busy each hour of a day is
WEEKEND = 0.75  # a day of the weekend has so many orders for each order of a weekday
FRIDAY = 5
MODES = {Mode.API: 70, Mode.WEB: 22, Mode.MASS: 8}
QUANTITIES = {100: 12, 250: 14, 500: 22, 1_000: 28, 2_000: 14, 2_500: 9, 5_000: 7, 10_000: 3, 20_000: 1}
COMMENTS = ("Lovely", "More of this, please", "Where was that?", "Best one yet", "Saving this", "Wow", "So good")
SUPPLIED_WEIGHT = 2.5  # services from suppliers are ordered so many times as often
REFUSED_PERCENT = 30  # of the orders canceled at suppliers; the other canceled orders were accepted first


class SoldService(msgspec.Struct, frozen=True):
    """A service that customers order, and the supplier's offer; None if the simulator fulfils it."""

    service: Service
    weight: float
    offer: ProviderService | None


def make_orders(rng: random.Random, now: datetime, customers: Sequence[Customer]) -> Iterator[PastOrder]:
    """Yield made-up orders, oldest first."""
    sold_services = _sold_services(rng)
    weights = [sold.weight for sold in sold_services]
    cheap = [sold for sold in sold_services if sold.offer is None and sold.service.type == OrderType.DEFAULT]
    cheapest = sorted(cheap, key=lambda sold: sold.service.rate * sold.service.min)[:4]
    for number, at in enumerate(_moments(rng, now), 1):
        joined = [customer for customer in customers if customer.joined_at < at]
        [customer] = rng.choices(joined, [customer.weight for customer in joined])
        sold = rng.choice(cheapest) if customer.is_thrifty else rng.choices(sold_services, weights)[0]
        yield _order(rng, customer, sold, number, at=at, now=now)


def _sold_services(rng: random.Random) -> list[SoldService]:
    """Make the suppliers, and return the services to order. Some services are ordered far more often than others."""
    kinds = (OrderType.DEFAULT, OrderType.PACKAGE, OrderType.CUSTOM_COMMENTS)
    services = list(Service.objects.filter(type__in=[kind.value for kind in kinds]).order_by("id"))
    offers = suppliers.make_suppliers(rng, services)
    ranks = rng.sample(range(1, len(services) + 1), len(services))
    dearness = [float(max(service.rate, Decimal(1))) ** 0.5 for service in services]
    return [
        SoldService(
            service, (SUPPLIED_WEIGHT if service.pk in offers else 1) / rank**0.6 / dear, offers.get(service.pk)
        )
        for service, rank, dear in zip(services, ranks, dearness, strict=True)
    ]


def _moments(rng: random.Random, now: datetime) -> list[datetime]:
    """Return the times of all orders. Days are busier than nights, weekdays than weekends, the last weeks busiest."""
    begin = now - timedelta(days=DAYS)
    hours = [begin + timedelta(hours=number) for number in range(DAYS * 24)]
    busy = [
        HOURS[hour.hour] * (WEEKEND if hour.isoweekday() > FRIDAY else 1) * (1 + GROWTH * number / len(hours))
        for number, hour in enumerate(hours)
    ]
    drawn = rng.choices(hours, busy, k=ORDERS)
    newest = now - NEWEST_ORDER_AGE
    return sorted(min(hour + timedelta(seconds=rng.uniform(0, 3600)), newest) for hour in drawn)


def _order(
    rng: random.Random, customer: Customer, sold: SoldService, number: int, *, at: datetime, now: datetime
) -> PastOrder:
    """Make up one order. Its number decides how it ends, as in the simulator."""
    life = simulator.plan(number)
    parameters, quantity = _parameters(rng, sold.service, number, is_small=customer.is_thrifty)
    end = life.end
    if customer.is_thrifty or (end is Status.PARTIAL and quantity == 1):
        end = Status.COMPLETED  # a thrifty customer would have to spend a refund; a package can't be partial
    began = at + min(timedelta(seconds=rng.uniform(20, 900)), (now - at) / 4)
    ended = began + min(timedelta(minutes=rng.lognormvariate(3.5, 1.3)), (now - began) / 2)
    attempt = _attempt(rng, sold.offer, number, at, is_canceled=end is Status.CANCELED) if sold.offer else None
    mode = rng.choices(list(MODES), list(MODES.values()))[0] if customer.key else Mode.WEB
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


def _parameters(rng: random.Random, service: Service, number: int, *, is_small: bool) -> tuple[dict[str, str], int]:
    """Return the parameters of an order, and its quantity."""
    parameters = {"service": str(service.pk), "link": f"https://{platform(service)}.example/p/{number * 7919:x}"}
    if service.type == OrderType.PACKAGE:
        return parameters, 1
    if service.type == OrderType.CUSTOM_COMMENTS:
        lines = rng.choices(COMMENTS, k=service.min + rng.randrange(10))
        return parameters | {"comments": "\n".join(lines)}, len(lines)
    wanted = service.min if is_small else rng.choices(list(QUANTITIES), list(QUANTITIES.values()))[0]
    quantity = min(max(wanted, service.min), service.max)
    return parameters | {"quantity": str(quantity)}, quantity


def platform(service: Service) -> str:
    """Return the service's platform, as links name it: the first word of the service's name."""
    return str(service.name).split(maxsplit=1)[0].lower()


def _attempt(rng: random.Random, offer: ProviderService, number: int, at: datetime, *, is_canceled: bool) -> Attempt:
    sent_at = at + timedelta(seconds=rng.uniform(0.3, 2))
    answered_at = sent_at + timedelta(seconds=rng.lognormvariate(-0.7, 0.6))
    is_refused = is_canceled and rng.randrange(100) < REFUSED_PERCENT
    upstream_id = None if is_refused else str(40_000 + number)
    answer = '{"error":"Not enough funds on balance"}' if is_refused else f'{{"order":{upstream_id}}}'
    return Attempt(offer.provider_id, offer.pk, sent_at, answered_at, upstream_id, answer)


def _steps(attempt: Attempt | None, began: datetime, ended: datetime, end: Status) -> list[Step]:
    """Return the events of an order, fulfilled by its supplier or by the simulator."""
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
