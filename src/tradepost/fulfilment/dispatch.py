"""Place queued orders with their provider (docs/architecture.md, orders: never twice, never lost)."""

from collections.abc import Sequence
from functools import partial

from django.utils.crypto import salted_hmac

from tradepost.database import in_transaction
from tradepost.engine import dispatching
from tradepost.engine.dispatching import OutgoingOrder
from tradepost.fulfilment import outcomes, provider_pause
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.providers.models import Provider
from tradepost_client import Client, GenericOrder, PanelError, Placed


def send_queued(throttled: ThrottledClient, provider: Provider) -> int:
    """Claim and send one batch of queued orders. Return how many orders were claimed.

    The claimed orders are committed as `sending` before the first byte leaves. Each answer is committed when it comes.
    """
    claimed = _claim(throttled, provider)
    name = _installation() if provider.supports_idempotency_keys else ""
    for answered in throttled.call_each(claimed, lambda client, outgoing: _place(client, outgoing, name)):
        alone = in_transaction(partial(outcomes.record, provider=provider, answered=answered))
        provider_pause.note_answers(provider, [answer for each, answer in answered if each.order not in alone])
    return len(claimed)


def _claim(throttled: ThrottledClient, provider: Provider) -> Sequence[OutgoingOrder]:
    # No more than the client has in flight and waiting: if this worker dies, only these orders become unsure.
    limit = 2 * throttled.parallel_requests
    claimed = in_transaction(partial(dispatching.claim, provider=provider.pk, limit=limit))
    if claimed or not provider.supports_idempotency_keys:
        return claimed
    return in_transaction(partial(dispatching.claim_unsure, provider=provider.pk, limit=limit))


def _place(client: Client, outgoing: OutgoingOrder, installation: str) -> Placed | PanelError:
    key = f"{installation}-{outgoing.order}" if installation else None
    return client.add(GenericOrder(service=outgoing.service, fields=outgoing.parameters), idempotency_key=key)


def _installation() -> str:
    """Return a prefix that keeps our idempotency keys apart from those of other desks at the same provider."""
    return "tp" + salted_hmac("tradepost.installation", "orders", algorithm="sha256").hexdigest()[:16]
