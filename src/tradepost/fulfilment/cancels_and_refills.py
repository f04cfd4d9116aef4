"""Forward customers' cancels and refills to providers that take them. Staff handle the others."""

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

# Our id of the cancel request or refill, and the provider's id of its order (of its refill, for `_OPEN_REFILLS`).
type _Due = list[tuple[int, str]]

_CANCELS = """
SELECT c.id, u.upstream_id
FROM orders_upstreamorder u
JOIN orders_cancelrequest c ON c.order_id = u.order_id AND c.state = 'open' AND NOT c.is_accepted_upstream
JOIN orders_attempt a ON a.order_id = u.order_id AND a.state = 'sent'
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.cancel
WHERE u.provider_id = %s AND u.state = 'sent' AND (c.forwarded_at IS NULL OR c.forwarded_at < now() - %s)
ORDER BY c.id LIMIT %s
"""

_NEW_REFILLS = """
SELECT r.id, a.upstream_id
FROM orders_refill r
JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %s
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.refill
WHERE r.status = 'Pending' AND r.upstream_id = '' AND (r.polled_at IS NULL OR r.polled_at < now() - %s)
ORDER BY r.id LIMIT %s
"""

_OPEN_REFILLS = """
SELECT r.id, r.upstream_id
FROM orders_refill r JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %s
WHERE r.status IN ('Pending', 'In progress') AND r.upstream_id <> '' AND r.polled_at < now() - %s
ORDER BY r.id LIMIT %s
"""

# The column that says when the provider was last asked.
_POLLED_COLUMN = {models.CancelRequest: "forwarded_at", models.Refill: "polled_at"}


def forward_requests(throttled: ThrottledClient, provider: Provider) -> bool:
    """Forward cancels and refills to the provider and poll open refills. Return whether there were any."""
    return any([_cancel(throttled, provider), _refill(throttled, provider), _poll_refills(throttled, provider)])


def _cancel(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_CANCELS, provider, models.CancelRequest)
    answers = _request(throttled, due, lambda client, ids: client.cancel(ids))
    if answers:
        accepted = [id_ for id_, order in due if isinstance(answers.get(order), CancelAccepted)]
        declined = [id_ for id_, order in due if isinstance(answers.get(order), Declined)]
        with transaction.atomic():
            models.CancelRequest.objects.filter(pk__in=accepted).update(is_accepted_upstream=True)
            cancelling.reject(engine_connection(), declined)
    return bool(due)


def _refill(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_NEW_REFILLS, provider, models.Refill)
    answers = _request(throttled, due, lambda client, ids: client.refills(ids))
    if answers:
        declined = [id_ for id_, order in due if isinstance(answers.get(order), Declined)]
        with transaction.atomic():
            for id_, order in due:
                answer = answers.get(order)
                if isinstance(answer, Refill):
                    models.Refill.objects.filter(pk=id_).update(upstream_id=str(answer.refill))
            settle_refills(engine_connection(), [RefillReport(id_, RefillStatus.REJECTED) for id_ in declined])
    return bool(due)


def _poll_refills(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_OPEN_REFILLS, provider, models.Refill)
    answers = _request(throttled, due, lambda client, ids: client.refill_statuses(ids))
    if answers:
        reports = [
            RefillReport(id_, RefillStatus(standing.status.value))
            for id_, refill in due
            if isinstance(standing := answers.get(refill), RefillStanding) and standing.status
        ]
        with transaction.atomic():
            settle_refills(engine_connection(), reports)
    return bool(due)


def _take_due(query: str, provider: Provider, model: type[models.CancelRequest | models.Refill]) -> _Due:
    """Return the rows to ask the provider about now, and record the time in them."""
    with transaction.atomic():
        due: _Due = Cursor(engine_connection()).execute(query, [provider.pk, ASK_AGAIN, IDS_A_REQUEST]).fetchall()
        due_rows = model._default_manager.filter(pk__in=[id_ for id_, _ in due])  # noqa: SLF001 - Django's
        due_rows.update(**{_POLLED_COLUMN[model]: Now()})
    return due


def _request[T](
    throttled: ThrottledClient, due: _Due, request: Callable[[Client, list[str]], dict[Id, T]]
) -> dict[str, T]:
    """Make one request about all due rows. Return the answers by the provider's ids.

    Without a clear answer, return none: the rows come up again after `ASK_AGAIN`. That is safe, since a provider
    treats a repeated cancel or refill as one.
    """
    if not due:
        return {}
    answers = throttled.call(lambda client: request(client, [upstream_id for _, upstream_id in due]))
    return {} if isinstance(answers, PanelError) else {str(id_): answer for id_, answer in answers.items()}
