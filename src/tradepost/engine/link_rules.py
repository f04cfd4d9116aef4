r"""Which links a service takes: regular expressions that can't blow up, whatever they and the links are.

They are RE2's. It answers in a time that grows with the link's length and nothing else; what it can't do in that time,
back-references and look-arounds, is no rule here. Its class `\w` and its like are of ASCII only; `\pL` is any letter.
"""

from functools import lru_cache
from typing import Protocol

import re2

from tradepost.engine.exceptions import TradepostError

PATTERN_CHARS_MAX = 500
PATTERNS_REMEMBERED = 4_096
MEMORY_BYTES_MAX = 1 << 20  # of one rule: the desk holds thousands

_OPTIONS = re2.Options()
_OPTIONS.max_mem = MEMORY_BYTES_MAX
_OPTIONS.log_errors = False


class LinkRule(Protocol):
    """A rule that a whole link must match."""

    def fullmatch(self, link: str, /) -> object:
        """Return something if it does."""


class LinkPatternError(TradepostError):
    """It is no rule; the message says why."""


def compile_rule(pattern: str) -> LinkRule:
    """Return the rule that a pattern stands for. Raises `LinkPatternError`."""
    if len(pattern) > PATTERN_CHARS_MAX:
        raise LinkPatternError(f"longer than {PATTERN_CHARS_MAX} characters")
    try:
        rule: LinkRule = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else ""
        raise LinkPatternError(why.decode() if isinstance(why, bytes) else str(why)) from None
    return rule


def compile_stored_rule(pattern: str) -> LinkRule | None:
    """Return a service's rule, if it has one; what can't be read as one takes no link, and stops no other's."""
    if not pattern:
        return None
    try:
        return compile_rule(pattern)
    except LinkPatternError:
        return _Nothing()


@lru_cache(maxsize=PATTERNS_REMEMBERED)
def is_rule(pattern: str) -> bool:
    """Tell whether a pattern can be read; the answers are remembered, since services share few patterns."""
    try:
        compile_rule(pattern)
    except LinkPatternError:
        return False
    return True


class _Nothing:
    """Takes no link."""

    def fullmatch(self, link: str, /) -> object:  # noqa: ARG002 - as a rule
        """Return nothing."""
        return None
