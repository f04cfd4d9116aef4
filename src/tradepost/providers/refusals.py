"""What a provider's refusal is about, by its words: what operators have said, then the table of the trade's wordings.

The table is `refusal_wordings.toml`. Words that neither knows are `UNKNOWN`: operators see them, with counts, and say
once what they mean.
"""

import html
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from psycopg import Connection, Cursor

from tradepost.engine.postgres import storable
from tradepost.engine.refusals import RefusalMeaning

KEY_CHARS_MAX = 300
TEXT_CHARS_MAX = 1_000  # of a refusal that are read
TEXTS_MAX = 500  # of one provider; the words of a panel that writes a new text each time are not all kept

_NO_LETTERS = re.compile(r"[\W_]+")
_NUMBERS = re.compile(r"\w*\d\w*")  # also references of letters and digits
# Letters that have no form without a mark in Unicode, and letters that are written in two ways.
_SAME = str.maketrans(
    {
        "đ": "d",
        "ı": "i",
        "ø": "o",
        "ł": "l",
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "ة": "ه",
        "أ": "ا",
        "إ": "ا",
        "ؤ": "و",
        "ئ": "ی",
    }
)

_KNOWN = """
SELECT DISTINCT ON (key) key, meaning FROM providers_refusaltext
WHERE (provider_id = %s OR is_for_all) AND meaning <> 'unknown'
ORDER BY key, provider_id = %s DESC, last_at DESC
"""

_COUNT = """
INSERT INTO providers_refusaltext AS t (provider_id, key, text, count)
SELECT %(provider)s, %(key)s::text, %(text)s, 1
WHERE EXISTS (SELECT FROM providers_refusaltext WHERE provider_id = %(provider)s AND key = %(key)s::text)
   OR (SELECT count(*) FROM providers_refusaltext WHERE provider_id = %(provider)s) < %(most)s
ON CONFLICT (provider_id, key) DO UPDATE SET text = excluded.text, count = t.count + 1, last_at = now()
"""


def folded(text: str) -> str:
    """Return the words of a text in lower case, without accents and marks, with one blank between them."""
    return _NO_LETTERS.sub(" ", _without_marks(html.unescape(text).lower())).strip()


def _without_marks(text: str) -> str:
    """Return a text in letters without accents and marks, each written in one way."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_SAME))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).translate(_SAME)


def key_of(text: str) -> str:
    """Return what the texts of one kind of refusal have in common: numbers and addresses left out."""
    without_links = re.sub(r"https?://\S+", " ", text[:TEXT_CHARS_MAX])
    return _NUMBERS.sub("#", folded(without_links))[:KEY_CHARS_MAX]


def meaning_of(text: str, said: Mapping[str, RefusalMeaning] = {}) -> RefusalMeaning:
    """Return what a refusal is about. `said` is what operators have said (`known_texts`), by `key_of`."""
    meaning = said.get(key_of(text))
    if meaning:
        return meaning
    words = folded(text[:TEXT_CHARS_MAX])
    return next((meaning for meaning, pattern in _wordings() if pattern.search(words)), RefusalMeaning.UNKNOWN)


def known_texts(connection: Connection, provider: int) -> dict[str, RefusalMeaning]:
    """Return the texts that operators have explained, for this provider or for all, by `key_of`."""
    rows = Cursor(connection).execute(_KNOWN, [provider, provider]).fetchall()
    return {key: RefusalMeaning(meaning) for key, meaning in rows}


def count_unknown(connection: Connection, provider: int, text: str) -> None:
    """Count a refusal whose words are not known."""
    stored = storable(text)[:KEY_CHARS_MAX]
    parameters = {"provider": provider, "key": key_of(text), "text": stored, "most": TEXTS_MAX}
    Cursor(connection).execute(_COUNT, parameters)


@cache
def _wordings() -> list[tuple[RefusalMeaning, re.Pattern[str]]]:
    with (Path(__file__).parent / "refusal_wordings.toml").open("rb") as file:
        tables = tomllib.load(file)
    return [
        (
            RefusalMeaning(table.pop("meaning")),
            re.compile("|".join(_folded_pattern(one) for language in table.values() for one in language)),
        )
        for table in tables["wordings"]
    ]


def _folded_pattern(pattern: str) -> str:
    """Return the pattern with its letters as `folded` writes them."""
    return f"(?:{_without_marks(pattern)})"
