"""By how much a figure has changed."""

from decimal import Decimal

from tradepost.backoffice import showing

UP, DOWN = "up", "down"


def change(now: int | Decimal | None, before: int | Decimal | None) -> dict[str, str]:
    """Return by how much a figure has changed, and which way; nothing if it can't be said."""
    if now is None or not before:
        return {"text": showing.NOTHING, "way": ""}
    percent = (Decimal(now) - Decimal(before)) * 100 / abs(Decimal(before))
    way = UP if percent > 0 else DOWN if percent < 0 else ""
    return {"text": f"{percent:+,.1f} %", "way": way}
