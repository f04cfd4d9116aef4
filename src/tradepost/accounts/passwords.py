"""Validators that refuse passwords which are easy to guess. Each says what to do about it.

How many guesses a password takes is estimated by zxcvbn, from its lists of leaked passwords, names and words, and from
dates, rows of keys and repetitions.
"""

import re
import threading
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tradepost.accounts import breached_passwords
from tradepost.accounts.models import Account
from tradepost.site_settings import effective as site_settings

GUESSES_MIN = 10**9
ESTIMATED_CHARS_MAX = 72  # what zxcvbn takes; it judges the beginning of longer ones
WORD_CHARS_MIN = 4  # shorter parts of names stand in too many good passwords
OTHER_CHARS_MIN = 6  # letters and digits that a password needs besides what everybody knows
OUR_NAME = "tradepost"
_LOOK_ALIKES = {"a": "a4@", "e": "e3", "i": "i1!", "l": "l1!", "o": "o0", "s": "s5$", "t": "t7"}

_estimating = threading.Lock()  # zxcvbn keeps the words of one estimate in a global variable


class GuessableValidator:
    """Refuses passwords made of the panel's name, of the account's address, or of leaked passwords."""

    def validate(self, password: str, user: Account | None = None) -> None:
        """Raise `ValidationError` with a sentence that helps."""
        words = sorted(_words(user), key=len, reverse=True)
        if _is_mostly(words, password):
            raise ValidationError(
                _(
                    "This password is mostly the panel’s name or your email address, which others know. "
                    "Put three or four words together that have nothing to do with them."
                ),
                code="password_of_known_words",
            )
        if _guesses(password, words) < GUESSES_MIN:
            raise ValidationError(
                _(
                    "This password is easy to guess: it is close to passwords that many people use. "
                    "Put three or four words together that have nothing to do with each other."
                ),
                code="password_easy_to_guess",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be easy to guess, like a name with a year.")


class BreachedValidator:
    """Refuses passwords that have leaked elsewhere, if the operator has named a service that knows them."""

    def validate(self, password: str, user: Account | None = None) -> None:  # noqa: ARG002 - Django's signature
        """Raise `ValidationError` if the service knows the password. If it does not answer soon, accept it."""
        url = settings.TRADEPOST_BREACHED_PASSWORDS
        if url and breached_passwords.is_known(url, password):
            raise ValidationError(
                _("This password has leaked from another website, and attackers try it. Choose another one."),
                code="password_leaked",
            )

    def get_help_text(self) -> str:
        return ""


def _words(user: Account | None) -> set[str]:
    """Return the words that everybody knows about this desk and this account, in lower case."""
    names = [OUR_NAME, site_settings.load().panel_name.lower()]
    if user and user.email:
        local, _at, domain = user.email.lower().partition("@")
        names += [local, domain.rpartition(".")[0] or domain]
    return {word for name in names for word in _parts(name) if len(word) >= WORD_CHARS_MIN}


def _parts(name: str) -> Iterator[str]:
    """Yield a name's words, and all of them run together: `Super Panel` is also `superpanel`."""
    words = re.findall(r"[^\W_]+", name)
    yield from words
    yield "".join(words)
    yield from (re.sub(r"\d+$", "", word) for word in words)


def _is_mostly(words: list[str], password: str) -> bool:
    """Return whether little is left of the password without these words, also if digits stand for letters."""
    text = password.lower()
    rest = re.sub("|".join(map(_pattern, words)), "", text)
    return rest != text and len(re.sub(r"[\W_]", "", rest)) < OTHER_CHARS_MIN


def _pattern(word: str) -> str:
    """Return a pattern that finds a word also if some of its letters are digits that look like them."""
    return "".join(f"[{_LOOK_ALIKES[letter]}]" if letter in _LOOK_ALIKES else re.escape(letter) for letter in word)


def _guesses(password: str, words: list[str]) -> float:
    """Return about how many guesses an attacker needs who knows these words."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists take megabytes, which the API's processes need not hold

    with _estimating:
        estimate: dict[str, Any] = zxcvbn(password[:ESTIMATED_CHARS_MAX], user_inputs=words)
    return float(estimate["guesses"])
