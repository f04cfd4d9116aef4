"""How much a figure has changed, and whether that is good news."""

from decimal import Decimal

from tradepost.backoffice.ui import formatters

GOOD, BAD = "good", "bad"


def relative_change(
    now: int | Decimal | None, before: int | Decimal | None, *, more_is_better: bool = True
) -> dict[str, str]:
    """Return the change in percent and whether it is good; no text and no news if there is nothing to compare."""
    if now is None or not before:
        return {"text": formatters.NOTHING, "news": ""}
    percent = (Decimal(now) - Decimal(before)) * 100 / abs(Decimal(before))
    news = (GOOD if (percent > 0) is more_is_better else BAD) if percent else ""
    return {"text": f"{percent:+,.1f} %", "news": news}
