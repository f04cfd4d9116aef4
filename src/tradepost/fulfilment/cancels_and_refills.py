"""Cancels and refills that customers ask for, passed on to providers that take them; the others are left for staff."""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now
from psycopg import Cursor

from tradepost.database import engine_connection
from tradepost.engine import cancelling
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.statuses import RefillStatus
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.orders import models
from tradepost.providers.models import Provider
from tradepost_client import CancelAccepted, Client, Declined, Id, PanelError, Refill, RefillStanding

IDS_A_REQUEST = 100
ASK_AGAIN = timedelta(minutes=1)

type _Asked = list[tuple[int, str]]  # our id of the cancel request or the refill, the provider's id of what it is about

_CANCELS = """
SELECT c.id, u.upstream_id
FROM orders_upstreamorder u
JOIN orders_cancelrequest c ON c.order_id = u.order_id AND c.state = 'open' AND NOT c.is_accepted_upstream
JOIN orders_attempt a ON a.order_id = u.order_id AND a.state = 'sent'
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.cancel
WHERE u.provider_id = %s AND u.state = 'sent' AND (c.forwarded_at IS NULL OR c.forwarded_at < now() - %s)
ORDER BY c.id LIMIT %s
"""

_REFILLS = """
SELECT r.id, a.upstream_id
FROM orders_refill r
JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %s
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.refill
WHERE r.status = 'Pending' AND r.upstream_id = '' AND (r.polled_at IS NULL OR r.polled_at < now() - %s)
ORDER BY r.id LIMIT %s
"""

_REFILLS_THERE = """
SELECT r.id, r.upstream_id
FROM orders_refill r JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %s
WHERE r.status IN ('Pending', 'In progress') AND r.upstream_id <> '' AND r.polled_at < now() - %s
ORDER BY r.id LIMIT %s
"""

_NOTED_IN = {models.CancelRequest: "forwarded_at", models.Refill: "polled_at"}  # when its provider was asked last


def pass_on(line: ThrottledClient, provider: Provider) -> bool:
    """Pass on what customers ask for, and ask what became of it; tell whether there was anything."""
    return any([_cancel(line, provider), _refill(line, provider), _follow_refills(line, provider)])


def _cancel(line: ThrottledClient, provider: Provider) -> bool:
    asked = _due(_CANCELS, provider, models.CancelRequest)
    said = _ask(line, asked, lambda client, ids: client.cancel(ids))
    if said:
        accepted = [id_ for id_, order in asked if isinstance(said.get(order), CancelAccepted)]
        declined = [id_ for id_, order in asked if isinstance(said.get(order), Declined)]
        with transaction.atomic():
            models.CancelRequest.objects.filter(pk__in=accepted).update(is_accepted_upstream=True)
            cancelling.reject(engine_connection(), declined)
    return bool(asked)


def _refill(line: ThrottledClient, provider: Provider) -> bool:
    asked = _due(_REFILLS, provider, models.Refill)
    said = _ask(line, asked, lambda client, ids: client.refills(ids))
    if said:
        declined = [id_ for id_, order in asked if isinstance(said.get(order), Declined)]
        with transaction.atomic():
            for id_, order in asked:
                answer = said.get(order)
                if isinstance(answer, Refill):
                    models.Refill.objects.filter(pk=id_).update(upstream_id=str(answer.refill))
            settle_refills(engine_connection(), [RefillReport(id_, RefillStatus.REJECTED) for id_ in declined])
    return bool(asked)


def _follow_refills(line: ThrottledClient, provider: Provider) -> bool:
    asked = _due(_REFILLS_THERE, provider, models.Refill)
    said = _ask(line, asked, lambda client, ids: client.refill_statuses(ids))
    if said:
        reports = [
            RefillReport(id_, RefillStatus(standing.status.value))
            for id_, refill in asked
            if isinstance(standing := said.get(refill), RefillStanding) and standing.status
        ]
        with transaction.atomic():
            settle_refills(engine_connection(), reports)
    return bool(asked)


def _due(query: str, provider: Provider, model: type[models.CancelRequest | models.Refill]) -> _Asked:
    """Return what is to be asked about now, and note that it is."""
    with transaction.atomic():
        asked: _Asked = Cursor(engine_connection()).execute(query, [provider.pk, ASK_AGAIN, IDS_A_REQUEST]).fetchall()
        model._default_manager.filter(pk__in=[id_ for id_, _ in asked]).update(**{_NOTED_IN[model]: Now()})  # noqa: SLF001 - Django's
    return asked


def _ask[T](line: ThrottledClient, asked: _Asked, ask: Callable[[Client, list[str]], dict[Id, T]]) -> dict[str, T]:
    """Ask about all of it, and return what is said by the provider's ids.

    Without a clear answer nothing is: it is asked again in a while, and a cancel or a refill asked for twice is one.
    """
    if not asked:
        return {}
    answers = line.call(lambda client: ask(client, [id_ for _, id_ in asked]))
    return {} if isinstance(answers, PanelError) else {str(id_): answer for id_, answer in answers.items()}
