r"""The links that a service accepts: by their kind, or by a regular expression that is safe for any link.

RE2 evaluates all rules. Its time grows only with the length of the link, so it has no back-references and look-arounds.
Classes like `\w` match only ASCII; `\pL` matches any letter.
"""

from functools import lru_cache
from typing import Protocol

import re2

from tradepost.engine.enums import TextEnum
from tradepost.engine.exceptions import TradepostError

WEB_SCHEMES = ("https://", "http://")  # of links that pages may link to: customers type anything
PATTERN_CHARS_MAX = 500
PATTERNS_REMEMBERED = 4_096
MEMORY_BYTES_MAX = 1 << 20  # for one rule; a desk has thousands

_OPTIONS = re2.Options()
_OPTIONS.max_mem = MEMORY_BYTES_MAX
_OPTIONS.log_errors = False


class LinkKind(TextEnum):
    """What a service's link is, on whatever platform. Order forms ask for it by its kind."""

    ANY = "any"
    ADDRESS = "address"
    NAME = "name"
    EITHER = "either"

    @property
    def label(self) -> str:
        """What the back office shows."""
        return _KIND_LABELS[self]


_KIND_LABELS = {
    LinkKind.ANY: "Any text",
    LinkKind.ADDRESS: "Web address",
    LinkKind.NAME: "@name",
    LinkKind.EITHER: "Web address or @name",
}

# An address may lack its scheme, as people copy it: pixelpond.example/alice. A name may lack its @.
_ADDRESS_PATTERN = r"(?i:https?://)?(?:[\pL\pN_-]+\.)+[\pL\pN-]{2,}(?::[0-9]{1,5})?(?:[/?#][^\pZ\pC]*)?"
_NAME_PATTERN = r"@?[\pL\pM\pN_.-]+"
KIND_PATTERNS = {
    LinkKind.ANY: "",
    LinkKind.ADDRESS: _ADDRESS_PATTERN,
    LinkKind.NAME: _NAME_PATTERN,
    LinkKind.EITHER: f"{_ADDRESS_PATTERN}|{_NAME_PATTERN}",
}


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


def compile_stored_rule(pattern: str, kind: str = LinkKind.ANY) -> LinkRule | None:
    """Compile a service's rule: its pattern, or the pattern of its kind; None if it accepts any text.

    If its pattern is not valid, the service accepts no link.
    """
    pattern = pattern or KIND_PATTERNS[LinkKind(kind)]
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
