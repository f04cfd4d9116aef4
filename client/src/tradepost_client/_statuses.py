"""Statuses, parsed from every case and spelling that panels use (docs/protocol.md §2, §5).

An unknown text is None and never a guess: a wrong guess would give money back, or keep it, by mistake.
"""

from tradepost_client._results import RefillStatus, Status
from tradepost_client._spelling import letters_and_digits

_STATUSES = {
    Status.PENDING: "pending queued inqueue waiting new 0",
    Status.PROCESSING: "processing inprocessing 5",
    Status.IN_PROGRESS: "inprogress progress running started 1",
    Status.COMPLETED: "completed complete done finished 2",
    Status.PARTIAL: "partial partially partiallycompleted partialcompleted partiallycomplete partialcomplete 3",
    Status.CANCELED: "canceled cancelled cancel refunded 4",
    Status.ACTIVE: "active",
    Status.PAUSED: "paused",
    Status.EXPIRED: "expired",
}
_REFILL_STATUSES = {
    RefillStatus.PENDING: "pending queued waiting awaiting new",
    RefillStatus.IN_PROGRESS: "inprogress progress processing running started",
    RefillStatus.COMPLETED: "completed complete done finished refilled",
    RefillStatus.REJECTED: "rejected declined denied canceled cancelled",
    RefillStatus.ERROR: "error failed fail",
}


def _by_spelling[S](spellings: dict[S, str]) -> dict[str, S]:
    return {spelling: status for status, words in spellings.items() for spelling in words.split()}


_ORDERS = _by_spelling(_STATUSES)
_REFILLS = _by_spelling(_REFILL_STATUSES)


def status(text: str) -> Status | None:
    """Parse the status of an order. The numbers are those in the panels' own tables."""
    return _ORDERS.get(letters_and_digits(text))


def refill_status(text: str) -> RefillStatus | None:
    """Parse the status of a refill."""
    return _REFILLS.get(letters_and_digits(text))
