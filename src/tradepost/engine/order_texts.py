"""Reads the texts of an order as programs and clipboards send them: links, lists, names (docs/dialects.md).

Each function returns the text to store, or an empty text if the value is missing or wrong.
"""

import re
from collections.abc import Iterable

TEXT_CHARS_MAX = 2_000
LIST_LINES_MAX = 10_000

# Characters that show nothing: control characters, blanks, marks that only steer how text is shown, and U+FFFD, which
# stands for what could not be read. `panel.js` counts lines by the same class; a test compares the two.
INVISIBLE = (
    r"\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE = re.compile(f"[^{INVISIBLE}]")

# A link has none of these: control characters (a tab counts as a blank), line ends, marks of direction, and characters
# without width. Emoji and Persian need some of them, but only next to other characters: the joiners stand between two
# characters beyond Latin, and the tags of a flag follow the black flag.
_UNFIT_FOR_LINKS = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e001f\U000e0080-\U000e0fff]"
    r"|(?<![^\x00-\xff])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\xff])"
    r"|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]"
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|(?:[\w-]+\.)+[^\W\d_]{2,}(?::[0-9]+)?/", re.IGNORECASE)
_UNFIT_FOR_ADDRESSES = re.compile(r"[\s\ufffd]")

# A form turns a bare plus into a blank. In these parts of an address a blank can only have been a plus.
_PLUSES = re.compile(
    r"""
    # an invitation to a Telegram group, or a telephone number: t.me/+AbCd, wa.me/+15551234
    ^(?:https?://)?(?:www\.)?(?:t\.me|telegram\.(?:me|dog))/[ ][\w-]+(?=[/?#]|$)
    | ^(?:https?://)?(?:www\.)?(?:wa\.me|signal\.me/\#p)/[ ][0-9]+(?=[/?#]|$)
    | [?&](?:phone|number)=[ ][0-9]+(?=[&#]|$)
    # words that are searched for: google.com/maps/place/Eiffel+Tower, youtube.com/results?search_query=order+desk
    | ^(?:https?://)?(?:www\.|maps\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?/maps/(?:place|search|dir)/[^?#]+
    | [?&](?:q|query|search|search_query|keywords?)=[^&#]+
    """,
    re.IGNORECASE | re.VERBOSE,
)

_EDGES = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
# The two characters \n, also as \r\n, also escaped more than once. The limits keep the time linear.
_WRITTEN_LINE_END = re.compile(r"(?:\\{1,4}r)?\\{1,4}n")


def read_text(text: str) -> str:
    text = text.strip()
    return text if len(text) <= TEXT_CHARS_MAX and _VISIBLE.search(text) else ""


def read_link(text: str) -> str:
    """Read a link, or the name of a user or a group. An address has no blanks; pluses that became blanks are put back.

    Letters and emoji of all languages may stand in a link. Control characters, line ends and characters that only
    steer how text is shown may not.
    """
    text = text.strip()
    if len(text) > TEXT_CHARS_MAX:
        return ""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return _read_unusual_link(text)


def _read_unusual_link(text: str) -> str:
    if _UNFIT_FOR_LINKS.search(text) or not _VISIBLE.search(text):
        return ""
    if not _ADDRESS.match(text):
        return text
    if " " in text and text.count("://") <= 1:  # else these are two addresses
        text = _PLUSES.sub(lambda found: found[0].replace(" ", "+"), text)
    return "" if _UNFIT_FOR_ADDRESSES.search(text) else text


def read_lines(text: str) -> str:
    r"""Read a list, one item a line. Items are stripped; items that show nothing are left out.

    LF, CRLF and CR end a line. If they leave but one line, the two characters `\n` do. More than `LIST_LINES_MAX`
    items count as none.
    """
    lines = _visible_lines(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    if len(lines) == 1 and "\\" in lines[0]:
        lines = _visible_lines(_WRITTEN_LINE_END.split(lines[0]))
    return "\n".join(lines) if len(lines) <= LIST_LINES_MAX else ""


def _visible_lines(lines: Iterable[str]) -> list[str]:
    # A fast way for most lines: one that begins with a visible character, and has only ASCII, needs no further look.
    return [
        line
        for each in lines
        if (line := each.strip()) and (("!" <= line < "\x7f" and line.isascii()) or (line := _read_line(line)))
    ]


def _read_line(line: str) -> str:
    return line.strip(_EDGES) if _VISIBLE.search(line) else ""
