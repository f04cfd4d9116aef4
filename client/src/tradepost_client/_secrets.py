"""The API key, which belongs in requests and nowhere else."""

import html
import json
from urllib.parse import quote, quote_plus

PLACEHOLDER = "[key]"


class Key:
    """An API key that does not print itself. Raises `ValueError` if the key is empty."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        if not self._text:
            raise ValueError("the API key is empty")
        spellings = (
            self._text,
            quote(self._text, safe=""),
            quote_plus(self._text),
            json.dumps(self._text)[1:-1],
            json.dumps(self._text)[1:-1].replace("/", "\\/"),  # as PHP writes it
            html.escape(self._text),
        )
        self._spellings = sorted(set(spellings), key=len, reverse=True)

    def __repr__(self) -> str:
        return PLACEHOLDER

    def reveal(self) -> str:
        """Return the key itself, for a request."""
        return self._text

    def hide(self, text: str) -> str:
        """Return the text with a placeholder for the key, in all encodings that panels use."""
        for spelling in self._spellings:
            text = text.replace(spelling, PLACEHOLDER)
        return text
