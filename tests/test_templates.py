"""What the formatters of templates, CSS and JavaScript leave alone: the length of lines, and tabs (decision 56)."""

import re
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src/tradepost"
FILES = sorted(
    file
    for room in ("panel", "backoffice", "accounts")
    for folder in ("templates", "static")
    for file in (SOURCE / room / folder).rglob("*")
    if file.suffix in {".html", ".txt", ".css", ".js"}
    and not file.name.startswith(("bootstrap.", "alpine."))  # made by scripts/assets
)
LENGTH_MAX = 120
# A web address or the path of an SVG drawing can't be broken: a line may be longer if the rest of it fits.
UNBREAKABLE = re.compile(r'https?://[^\s"\'<>]+|\bd="[^"]*"')


def test_a_line_is_short_enough_to_review() -> None:
    too_long = [
        f"{file.relative_to(SOURCE)}:{number}"
        for file in FILES
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if len(UNBREAKABLE.sub("", line)) > LENGTH_MAX
    ]
    assert FILES
    assert not too_long


def test_no_line_has_a_tab() -> None:
    assert not [str(file.relative_to(SOURCE)) for file in FILES if "\t" in file.read_text()]
