"""What events say of providers: theirs to read who may see attempts, and no customer's."""

from django.db.models import Case, F, Q, QuerySet, Value, When

from tradepost.engine import attempts, polling
from tradepost.orders.models import OrderEvent

# Notes of whoever sends orders and follows them tell what their providers have said.
_IS_AN_ANSWER = Q(actor__in=(attempts.ACTOR, polling.ACTOR)) | Q(note__startswith=attempts.REFUSED)


def with_redacted_notes(events: QuerySet[OrderEvent], *, with_answers: bool) -> QuerySet[OrderEvent]:
    """Annotate each event with what may be `said` of it: its note, or nothing if that is a provider's answer."""
    if with_answers:
        return events.annotate(said=F("note"))
    return events.annotate(said=Case(When(_IS_AN_ANSWER, then=Value("")), default=F("note")))
