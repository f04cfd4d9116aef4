"""The API key: in requests, and nowhere else."""

import html
import json
from urllib.parse import quote, quote_plus

SHOWN = "[key]"


class Key:
    """An API key that does not print itself. Raises `ValueError` if it is empty."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not self._text:
            raise ValueError("the API key is empty")
        written = (
            self._text,
            quote(self._text, safe=""),
            quote_plus(self._text),
            json.dumps(self._text)[1:-1],
            json.dumps(self._text)[1:-1].replace("/", "\\/"),  # as PHP writes it
            html.escape(self._text),
        )
        self._written = sorted(set(written), key=len, reverse=True)

    def __repr__(self) -> str:
        return SHOWN

    def reveal(self) -> str:
        """Return the key itself, to be sent."""
        return self._text

    def hide(self, text: str) -> str:
        """Return a text without the key, however it is written there."""
        for each in self._written:
            text = text.replace(each, SHOWN)
        return text
