"""How much a figure has changed, and whether that is good news."""

from decimal import Decimal

from tradepost import formats

GOOD, BAD = "good", "bad"


def relative_change(
    now: int | Decimal | None, before: int | Decimal | None, *, more_is_better: bool = True
) -> dict[str, str]:
    """Return the change in percent and whether it is good; no text and no news if there is nothing to compare."""
    if now is None or not before:
        return {"text": formats.NOTHING, "news": ""}
    share = (Decimal(now) - Decimal(before)) / abs(Decimal(before))
    news = (GOOD if (share > 0) is more_is_better else BAD) if share else ""
    return {"text": formats.change_percent(share), "news": news}
