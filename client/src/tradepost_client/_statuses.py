"""Statuses in every case and spelling, read as the protocol's (§2, §5).

What is not surely known is none: a status that is guessed wrong gives money back, or keeps it.
"""

from tradepost_client._results import RefillStatus, Status

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
    return {each: status for status, all_ in spellings.items() for each in all_.split()}


_ORDERS = _by_spelling(_STATUSES)
_REFILLS = _by_spelling(_REFILL_STATUSES)


def status(text: str) -> Status | None:
    """Return the status of an order that a panel means; numbers are those of the panels' own tables."""
    return _ORDERS.get(_bare(text))


def refill_status(text: str) -> RefillStatus | None:
    """Return the status of a refill that a panel means."""
    return _REFILLS.get(_bare(text))


def _bare(text: str) -> str:
    return "".join(each for each in text.lower() if each.isalnum())
