r"""Test cases of the wire protocol, and the parser of their files.

A case looks like this:

    ### An account has a balance (§2)
    # A remark. Steps that are no requests (`stage.STEPS`) begin with an exclamation mark.
    ! top-up alice 0.84292
    POST /api/v2

    key={alice}&action=balance

    HTTP 200

    {"balance": "100.84292", "currency": "USD"}

A line `---` separates exchanges. A line `or` separates bodies that are sent in turn and get the same answer. The player
adds CRLF, Host, Content-Length and a form's Content-Type. In requests and answers `{alice}` stands for the value that
the stage has under that name, or that an earlier answer has set. In requests `\x00` is a byte, and `{x*200}` is 200
times `x`.

An answer is JSON, compared with its types. If it has no Content-Type, `application/json` is expected for 200, otherwise
`text/plain`. `$first` matches any number and `"$first"` any string, and sets that name (`$_` sets nothing). `"~…"`
matches by a regular expression, and `"…"` in an array stands for any other items. A header with the value `(absent)` is
not sent, or must not be in the answer.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

ABSENT = "(absent)"

_ANSWER = re.compile(r"^HTTP (?=[0-9]{3}$)", re.MULTILINE)


class Exchange(msgspec.Struct, frozen=True):
    """Steps, then requests that differ only in their bodies, then the answer that each must get."""

    line: int
    steps: Sequence[str]
    head: str
    bodies: Sequence[str]
    status: int
    headers: dict[str, str]  # by name in lower case
    answer: str


class Case(msgspec.Struct, frozen=True):
    """One rule of the protocol, and the exchanges that prove it."""

    file: Path
    line: int
    rule: str
    exchanges: Sequence[Exchange]


def read(file: Path) -> Iterator[Case]:
    """Yield the cases of a file in order. Raises `ValueError` with file and line if the text is no case."""
    prose, *texts = re.split(r"^### ", file.read_text(), flags=re.MULTILINE)
    line = prose.count("\n") + 1
    for text in texts:
        rule, _, rest = text.partition("\n")
        yield Case(file, line, rule, list(_exchanges(file, line + 1, rest)))
        line += text.count("\n")


def headers(lines: Sequence[str]) -> dict[str, str]:
    """Parse lines like `Name: value`, and keep the spelling of the names."""
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _exchanges(file: Path, line: int, text: str) -> Iterator[Exchange]:
    for part in re.split(r"^---\n", text, flags=re.MULTILINE):
        try:
            yield _exchange(line + len(part) - len(part.lstrip("\n")), part.strip("\n"))
        except ValueError as error:
            raise ValueError(f"{file}:{line}: no request followed by its answer") from error
        line += part.count("\n") + 1


def _exchange(line: int, text: str) -> Exchange:
    request, answer = _ANSWER.split(text)
    lines = request.split("\n")
    [start, *_] = [number for number, each in enumerate(lines) if each and each[0] not in "!#"]
    head, _, bodies = "\n".join(lines[start:]).strip("\n").partition("\n\n")
    told, _, expected = answer.strip("\n").partition("\n\n")
    status, *names = told.split("\n")
    return Exchange(
        line + start,
        [each.removeprefix("! ") for each in lines[:start] if each.startswith("!")],
        head,
        re.split(r"\nor\n", bodies),
        int(status),
        {name.lower(): value for name, value in headers(names).items()},
        expected,
    )
