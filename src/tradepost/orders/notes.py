"""Notes of staff about orders, and what staff tell the providers of orders. Customers see neither."""

from collections.abc import Collection, Mapping

import msgspec
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When

from tradepost.accounts.models import Account
from tradepost.orders.models import Attempt, Order, OrderNote
from tradepost.orders.staff_models import NOTE_CHARS_MAX

PLEASE = "Please look at these orders:"


class ProviderMessage(msgspec.Struct, frozen=True):
    """What to send to a provider about orders: its own ids of the orders and services, and the links."""

    provider: str
    orders: int
    text: str


def write(orders: Collection[int], text: str, author: Account) -> None:
    """Write the same note about each of the orders."""
    OrderNote.objects.bulk_create(
        OrderNote(order_id=order, text=text[:NOTE_CHARS_MAX], author=author) for order in orders
    )


def write_told(messages: Mapping[int, tuple[str, str]], author: Account) -> None:
    """Note on each of the orders what its provider was told: the provider's name and the message, by order."""
    OrderNote.objects.bulk_create(
        OrderNote(order_id=order, text=f"To {provider}: {text}"[:NOTE_CHARS_MAX], author=author, is_to_provider=True)
        for order, (provider, text) in messages.items()
    )


def messages_by_order(orders: Collection[int], text: str) -> dict[int, tuple[str, str]]:
    """Return the provider's name and the message for each of the orders that has an id at a provider."""
    return {attempt.order_id: (str(attempt.provider), f"{text}\n{_line(attempt)}") for attempt in _attempts(orders)}


def with_redacted_texts(written: QuerySet[OrderNote], *, with_providers: bool) -> QuerySet[OrderNote]:
    """Annotate each note with `visible_text`. Without `with_providers`, what a provider was told is left out."""
    if with_providers:
        return written.annotate(visible_text=F("text"))
    told = When(is_to_provider=True, then=Value("The provider was told."))
    return written.annotate(visible_text=Case(told, default=F("text")))


def provider_messages(orders: Collection[int], text: str) -> list[ProviderMessage]:
    """Return the message for each provider of these orders, by the provider's name."""
    lines: dict[str, list[str]] = {}
    for attempt in _attempts(orders):
        lines.setdefault(str(attempt.provider), []).append(_line(attempt))
    return [
        ProviderMessage(provider, len(its_lines), "\n".join([text, *its_lines]))
        for provider, its_lines in sorted(lines.items())
    ]


def _attempts(orders: Collection[int]) -> list[Attempt]:
    """Return the last attempt of each order that has an id at a provider, in id order of the orders."""
    known = Attempt.objects.exclude(upstream_id=None).exclude(upstream_id="")
    last = known.filter(order=OuterRef("pk")).order_by("-number").values("pk")[:1]
    ids = Order.objects.filter(pk__in=orders).annotate(last=Subquery(last)).values("last")
    attempts = Attempt.objects.filter(pk__in=ids).select_related("provider", "provider_service", "order")
    return list(attempts.order_by("order_id"))


def _line(attempt: Attempt) -> str:
    link = attempt.order.aim
    return f"{attempt.upstream_id}, service {attempt.provider_service.upstream_id}{f', {link}' if link else ''}"
