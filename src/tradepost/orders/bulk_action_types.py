"""What staff can have done to many orders at once, and how far that is."""

import msgspec

from tradepost.engine.enums import TextEnum

TEXT_CHARS_MAX = 2_000  # of a link, or a part of one


class BulkActionKind(TextEnum):
    """What is to be done."""

    CANCEL = "cancel"
    PARTIAL = "partial"
    COMPLETE = "complete"
    RESEND = "resend"
    EDIT_LINK = "edit link"
    PAUSE = "pause"
    RESUME = "resume"

    @property
    def label(self) -> str:
        """How the back office calls it."""
        return _LABELS[self]


_LABELS = {
    BulkActionKind.CANCEL: "Cancel and refund",
    BulkActionKind.PARTIAL: "Set partial",
    BulkActionKind.COMPLETE: "Complete",
    BulkActionKind.RESEND: "Send held orders again",
    BulkActionKind.EDIT_LINK: "Edit the link",
    BulkActionKind.PAUSE: "Pause subscriptions",
    BulkActionKind.RESUME: "Resume subscriptions",
}


class BulkActionState(TextEnum):
    """How far a bulk action is."""

    DRAFT = "draft"  # looked at, and not confirmed yet
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"  # by staff; what was done by then stays done


class BulkOutcome(TextEnum):
    """What became of one of its orders."""

    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"


class BulkOptions(msgspec.Struct, frozen=True, omit_defaults=True):
    """How it is to be done. `remains` None: as each order has it. `find` empty: `link` takes the place of all of it."""

    remains: int | None = None
    find: str = ""
    link: str = ""

    def link_for(self, was: str) -> str:
        """Return the link that an order is to have in place of the one that it has."""
        return was.replace(self.find, self.link) if self.find else self.link
