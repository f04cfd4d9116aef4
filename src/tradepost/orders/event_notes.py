"""Notes of order events. Some hold a provider's answer: only staff who may view attempts see those, no customer."""

from django.db.models import Case, F, Q, QuerySet, Value, When

from tradepost.engine import attempts, polling
from tradepost.orders.models import OrderEvent

# Notes written by dispatch and polling, and notes of refusals, hold what the provider answered.
_IS_AN_ANSWER = Q(actor__in=(attempts.ACTOR, polling.ACTOR)) | Q(note__startswith=attempts.REFUSED)


def with_redacted_notes(events: QuerySet[OrderEvent], *, with_answers: bool) -> QuerySet[OrderEvent]:
    """Annotate each event with `visible_note`: its note, or "" if the note is a provider's answer.

    With `with_answers`, every note is visible.
    """
    if with_answers:
        return events.annotate(visible_note=F("note"))
    return events.annotate(visible_note=Case(When(_IS_AN_ANSWER, then=Value("")), default=F("note")))
