r"""The links that a service accepts: regular expressions that are safe for any pattern and any link.

RE2 evaluates them. Its time grows only with the length of the link, so it has no back-references and look-arounds.
Classes like `\w` match only ASCII; `\pL` matches any letter.
"""

from functools import lru_cache
from typing import Protocol

import re2

from tradepost.engine.exceptions import TradepostError

PATTERN_CHARS_MAX = 500
PATTERNS_REMEMBERED = 4_096
MEMORY_BYTES_MAX = 1 << 20  # for one rule; a desk has thousands

_OPTIONS = re2.Options()
_OPTIONS.max_mem = MEMORY_BYTES_MAX
_OPTIONS.log_errors = False


class LinkRule(Protocol):
    """A rule that a whole link must match."""

    def fullmatch(self, link: str, /) -> object:
        """Return a true value if the link matches, else None."""


class LinkPatternError(TradepostError):
    """The pattern is not a valid rule. The message gives the reason."""


def compile_rule(pattern: str) -> LinkRule:
    """Compile a pattern. Raises `LinkPatternError` if it is too long or not valid."""
    if len(pattern) > PATTERN_CHARS_MAX:
        raise LinkPatternError(f"longer than {PATTERN_CHARS_MAX} characters")
    try:
        rule: LinkRule = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else ""
        raise LinkPatternError(why.decode() if isinstance(why, bytes) else str(why)) from None
    return rule


def compile_stored_rule(pattern: str) -> LinkRule | None:
    """Compile a service's pattern; None if it is empty. If it is not valid, the service accepts no link."""
    if not pattern:
        return None
    try:
        return compile_rule(pattern)
    except LinkPatternError:
        return _Nothing()


@lru_cache(maxsize=PATTERNS_REMEMBERED)
def is_rule(pattern: str) -> bool:
    """Return whether a pattern is valid. The results are cached, because services share few patterns."""
    try:
        compile_rule(pattern)
    except LinkPatternError:
        return False
    return True


class _Nothing:
    """The rule of a pattern that is not valid: it matches no link, and other services work on."""

    def fullmatch(self, link: str, /) -> object:  # noqa: ARG002 - the signature is the protocol's
        return None
