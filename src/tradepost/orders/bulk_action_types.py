"""The kinds, states, outcomes and options of bulk actions."""

import msgspec

from tradepost.engine.enums import TextEnum

TEXT_CHARS_MAX = 2_000  # of `BulkOptions.find` and `BulkOptions.link`


class BulkActionKind(TextEnum):
    """What a bulk action does to its orders."""

    CANCEL = "cancel"
    PARTIAL = "partial"
    COMPLETE = "complete"
    REFILL = "refill"
    TELL_PROVIDER = "tell provider"
    RESEND = "resend"
    EDIT_LINK = "edit link"
    PAUSE = "pause"
    RESUME = "resume"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    BulkActionKind.CANCEL: "Cancel and refund",
    BulkActionKind.PARTIAL: "Set partial",
    BulkActionKind.COMPLETE: "Complete",
    BulkActionKind.REFILL: "Ask for refill",
    BulkActionKind.TELL_PROVIDER: "Tell the provider",
    BulkActionKind.RESEND: "Send held orders again",
    BulkActionKind.EDIT_LINK: "Edit the link",
    BulkActionKind.PAUSE: "Pause subscriptions",
    BulkActionKind.RESUME: "Resume subscriptions",
}


class BulkActionState(TextEnum):
    """How far a bulk action has come."""

    DRAFT = "draft"  # shown as a preview, but not confirmed yet
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by staff; the changes made by then stay


class BulkOutcome(TextEnum):
    """What a bulk action did to one order."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class BulkOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to act on the orders.

    If `remains` is None, each order keeps its own. If `find` is empty, `link` replaces the whole link; otherwise it
    replaces only the text in `find`. `text` is what to tell the provider.

    With `with_delivered`, a refund includes orders that were delivered. That needs a `reason`, which staff can read.
    """

    remains: int | None = None
    find: str = ""
    link: str = ""
    text: str = ""
    with_delivered: bool = False
    reason: str = ""

    @property
    def refunds_delivered(self) -> bool:
        return self.with_delivered and bool(self.reason)

    def link_for(self, old_link: str) -> str:
        """Return the new link of an order that has `old_link`."""
        return old_link.replace(self.find, self.link) if self.find else self.link
