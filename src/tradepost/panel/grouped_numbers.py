"""Whole numbers as the reader's language groups their digits: 1,000 in English, 1.000 in Spanish, 1 000 in all.

Only the panel's forms read numbers like this. The API takes digits, and mass orders have a reader of their own
(`pasted_orders`), since their lines come from other programs.
"""

import re

from django.utils.translation import get_language

_BLANKS = " \u00a0\u2009\u202f"
_MARKS = {"en": ",", "es": "."}


def ungrouped(text: str) -> str:
    """Return the digits of a number that is grouped as the reader's language does; any other text as it is.

    `1.500` is not read in English, and `1,500` is not read in Spanish: there they have decimals.
    """
    language = (get_language() or "").partition("-")[0]
    separators = re.escape(_BLANKS + _MARKS.get(language, ""))
    grouped = re.fullmatch(rf"[1-9][0-9]{{0,2}}([{separators}])[0-9]{{3}}(?:\1[0-9]{{3}})*", text)
    return text.replace(grouped[1], "") if grouped else text
