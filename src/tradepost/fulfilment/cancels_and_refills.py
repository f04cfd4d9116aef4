"""Forward customers' cancels and refills to providers that take them. Staff handle the others.

A request that gets no clear answer is repeated after longer and longer waits, `TRIES_MAX` times. Then a person decides:
the request is listed with the provider's words, the customer sees that it failed, and may ask again.
"""

from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg import Connection, Cursor

from tradepost.database import engine_connection
from tradepost.engine import arrays, cancelling
from tradepost.engine.postgres import storable
from tradepost.engine.refilling import RefillReport, settle_refills
from tradepost.engine.statuses import RefillStatus
from tradepost.fulfilment import id_batches, provider_pause
from tradepost.fulfilment.id_batches import IdAction
from tradepost.fulfilment.throttled_client import ThrottledClient
from tradepost.orders import models
from tradepost.providers.models import Provider
from tradepost_client import (
    Ambiguous,
    CancelAccepted,
    CancelOf,
    Declined,
    PanelError,
    Refill,
    RefillOf,
    RefillStanding,
    RefillStandingOf,
    Unreadable,
)

IDS_A_REQUEST = 100
ASK_AGAIN = timedelta(minutes=1)  # doubled with each request that got no clear answer
ASK_AGAIN_MAX = timedelta(hours=1)
TRIES_MAX = 6  # about an hour
WORDS_CHARS_MAX = 300

CANCEL = IdAction[CancelOf](
    "cancel", lambda client, ids: client.cancel(ids), lambda client, id_: client.cancel_one(id_)
)
REFILL = IdAction[RefillOf]("refill", lambda client, ids: client.refills(ids), lambda client, id_: client.refill(id_))
REFILL_STATUS = IdAction[RefillStandingOf](
    "refill_status", lambda client, ids: client.refill_statuses(ids), lambda client, id_: client.refill_status(id_)
)

# Our id of the cancel request or refill, and the provider's id of its order (of its refill, for `_OPEN_REFILLS`).
type _Due = list[tuple[int, str]]

_CANCELS = """
SELECT c.id, u.upstream_id
FROM orders_upstreamorder u
JOIN orders_cancelrequest c ON c.order_id = u.order_id AND c.state = 'open' AND NOT c.is_accepted_upstream
JOIN orders_attempt a ON a.order_id = u.order_id AND a.state = 'sent'
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.cancel
WHERE u.provider_id = %(provider)s AND u.state = 'sent'
  AND (c.forwarded_at IS NULL OR c.forwarded_at < now() - least(%(again)s * power(2, c.tries), %(longest)s))
ORDER BY c.forwarded_at NULLS FIRST, c.id LIMIT %(limit)s
"""

_NEW_REFILLS = """
SELECT r.id, a.upstream_id
FROM orders_refill r
JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %(provider)s
JOIN providers_providerservice p ON p.id = a.provider_service_id AND p.refill
WHERE r.status = 'Pending' AND r.upstream_id = ''
  AND (r.polled_at IS NULL OR r.polled_at < now() - least(%(again)s * power(2, r.tries), %(longest)s))
ORDER BY r.polled_at NULLS FIRST, r.id LIMIT %(limit)s
"""

# The older a refill is, the more seldom its provider is asked about it.
_OPEN_REFILLS = """
SELECT r.id, r.upstream_id
FROM orders_refill r
JOIN orders_attempt a ON a.order_id = r.order_id AND a.state = 'sent' AND a.provider_id = %(provider)s
WHERE r.status IN ('Pending', 'In progress') AND r.upstream_id <> ''
  AND r.polled_at < now() - least(greatest(%(again)s * power(2, r.tries), (now() - r.created_at) / 20), %(longest)s)
ORDER BY r.polled_at, r.id LIMIT %(limit)s
"""

_FAIL_CANCELS = """
UPDATE orders_cancelrequest SET state = 'failed', settled_at = now()
WHERE id = ANY(%s::bigint[]) AND state = 'open' AND tries >= %s RETURNING id
"""

_NOTE_REFILLS = """
UPDATE orders_refill r SET upstream_id = new.upstream_id, tries = 0, response = ''
FROM unnest(%s::bigint[], %s::text[]) AS new (id, upstream_id) WHERE r.id = new.id
"""

_TRIED_REFILLS = "SELECT id FROM orders_refill WHERE id = ANY(%s::bigint[]) AND tries >= %s"

# The column that says when the provider was last asked.
_POLLED_COLUMN = {models.CancelRequest: "forwarded_at", models.Refill: "polled_at"}

_STORE_WORDS = {
    model: f"""
UPDATE {table} r SET response = words.response
FROM unnest(%s::bigint[], %s::text[]) AS words (id, response) WHERE r.id = words.id
"""
    for model, table in ((models.CancelRequest, "orders_cancelrequest"), (models.Refill, "orders_refill"))
}

type _Request = type[models.CancelRequest | models.Refill]


def forward_requests(throttled: ThrottledClient, provider: Provider) -> bool:
    """Forward cancels and refills to the provider and poll open refills. Return whether the visit goes on at once."""
    return any([_cancel(throttled, provider), _refill(throttled, provider), _poll_refills(throttled, provider)])


def _cancel(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_CANCELS, provider, models.CancelRequest, CANCEL)
    answers = _ask(throttled, provider, CANCEL, due)
    accepted = [id_ for id_, order in due if isinstance(answers.get(order), CancelAccepted)]
    declined = {id_: answer.error for id_, order in due if isinstance(answer := answers.get(order), Declined)}
    with transaction.atomic():
        models.CancelRequest.objects.filter(pk__in=accepted).update(is_accepted_upstream=True, tries=0, response="")
        _store_words(models.CancelRequest, declined)
        cancelling.reject(engine_connection(), list(declined))
        tried = _note_tries(models.CancelRequest, due, answers)
        failed = Cursor(engine_connection()).execute(_FAIL_CANCELS, [arrays.of_numbers(tried), TRIES_MAX]).rowcount
    throttled.count_failures(failed)
    return bool(due) and bool(answers)


def _refill(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_NEW_REFILLS, provider, models.Refill, REFILL)
    answers = _ask(throttled, provider, REFILL, due)
    accepted = {id_: str(answer.refill) for id_, order in due if isinstance(answer := answers.get(order), Refill)}
    declined = {id_: answer.error for id_, order in due if isinstance(answer := answers.get(order), Declined)}
    with transaction.atomic():
        _write_texts(_NOTE_REFILLS, accepted)
        _store_words(models.Refill, declined)
        settle_refills(engine_connection(), [RefillReport(id_, RefillStatus.REJECTED) for id_ in declined])
        failed = _fail_refills(engine_connection(), _note_tries(models.Refill, due, answers))
    throttled.count_failures(failed)
    return bool(due) and bool(answers)


def _poll_refills(throttled: ThrottledClient, provider: Provider) -> bool:
    due = _take_due(_OPEN_REFILLS, provider, models.Refill, REFILL_STATUS)
    answers = _ask(throttled, provider, REFILL_STATUS, due)
    clear = {
        id_: RefillStatus(standing.status.value)
        for id_, refill in due
        if isinstance(standing := answers.get(refill), RefillStanding) and standing.status
    }
    unclear = {refill: _unclear(answer) for refill, answer in answers.items()}
    with transaction.atomic():
        settle_refills(engine_connection(), [RefillReport(id_, status) for id_, status in clear.items()])
        models.Refill.objects.filter(pk__in=clear, tries__gt=0).update(tries=0, response="")
        tried = _note_tries(models.Refill, [(id_, refill) for id_, refill in due if id_ not in clear], unclear)
        failed = _fail_refills(engine_connection(), tried)
    throttled.count_failures(failed)
    return bool(due) and bool(answers)


def _unclear(answer: object) -> object:
    """Return what an answer about a refill says that is no known status."""
    if isinstance(answer, Declined):
        return Unreadable(answer.error)
    return Unreadable(answer.raw_status) if isinstance(answer, RefillStanding) else answer


def _take_due(query: str, provider: Provider, model: _Request, action: IdAction[object]) -> _Due:
    """Return the rows to ask the provider about now, and record the time in them."""
    parameters = {
        "provider": provider.pk,
        "again": ASK_AGAIN,
        "longest": ASK_AGAIN_MAX,
        "limit": id_batches.ids_a_round(provider, action, IDS_A_REQUEST),
    }
    with transaction.atomic():
        due: _Due = Cursor(engine_connection()).execute(query, parameters).fetchall()
        due_rows = model._default_manager.filter(pk__in=[id_ for id_, _ in due])  # noqa: SLF001 - Django's
        due_rows.update(**{_POLLED_COLUMN[model]: Now()})
    return due


def _ask[R](
    throttled: ThrottledClient, provider: Provider, action: IdAction[R], due: _Due
) -> Mapping[str, R | Declined | Unreadable]:
    """Ask about all due rows. Return the answers by the provider's ids; without one, a row comes up again later.

    That is safe, since a provider treats a repeated cancel or refill as one. A failure that is about one request and
    not about the provider is the answer of every row that has no other.
    """
    if not due:
        return {}
    ids = list(dict.fromkeys(upstream_id for _, upstream_id in due))
    found = throttled.run(lambda: id_batches.ask(throttled, provider, action, ids))
    id_batches.remember(provider, action, found)
    if found.error is None:
        return {**{id_: Unreadable("") for id_ in ids}, **found.by_id}
    if provider_pause.pause_after(provider, [found.error]) or not isinstance(found.error, Ambiguous):
        return found.by_id
    return {**{id_: Unreadable(_words_of(found.error)) for id_ in ids}, **found.by_id}


def _words_of(error: PanelError) -> str:
    return f"{error} {error.evidence.body}".strip()


def _note_tries(model: _Request, due: _Due, answers: Mapping[str, object]) -> list[int]:
    """Count the requests that got no clear answer. Return their ids."""
    unclear = {id_: answer.raw for id_, asked in due if isinstance(answer := answers.get(asked), Unreadable)}
    if unclear:
        model._default_manager.filter(pk__in=unclear).update(tries=F("tries") + 1)  # noqa: SLF001 - Django's
        _store_words(model, unclear)
    return list(unclear)


def _store_words(model: _Request, words: Mapping[int, str]) -> None:
    _write_texts(_STORE_WORDS[model], {id_: storable(text)[:WORDS_CHARS_MAX] for id_, text in words.items()})


def _write_texts(statement: str, texts: Mapping[int, str]) -> None:
    """Run a statement that takes texts by the ids of their rows."""
    if texts:
        Cursor(engine_connection()).execute(statement, [arrays.of_numbers(texts), arrays.of_texts(texts.values())])


def _fail_refills(connection: Connection, tried: list[int]) -> int:
    """Leave refills to a person that have been tried too often; return how many."""
    rows = Cursor(connection).execute(_TRIED_REFILLS, [arrays.of_numbers(tried), TRIES_MAX]).fetchall() if tried else []
    return settle_refills(connection, [RefillReport(id_, RefillStatus.ERROR) for (id_,) in rows]) if rows else 0
