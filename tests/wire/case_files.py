r"""The notation of the wire's cases, and its parser.

    ### An account has a balance (§2)
    # A remark. Steps that are no requests (`staging.STEPS`) begin with an exclamation mark.
    ! top-up alice 0.84292
    POST /api/v2

    key={alice}&action=balance

    HTTP 200

    {"balance": "100.84292", "currency": "USD"}

A line `---` separates exchanges. A line `or` separates bodies that are sent one after the other, and get the same
answer. A request's lines end in CRLF. Host, Content-Length and a form's Content-Type are filled in. In requests and
answers, `{alice}` stands for a value of `staging` or for a name that an earlier answer has set. In requests, `\x00` is
a byte and `{x*200}` is `x`, repeated 200 times.

An answer is JSON, and compared with its types. If the case gives no Content-Type, it must be `application/json` for
200, else `text/plain; charset=utf-8`. `$first` accepts a number and `"$first"` a string, and the name stands for that
value from then on (`$_` sets no name). `"~…"` is a regular expression for a string. `"…"` in an array stands for any
other elements. A header with the value `(absent)` is not sent, or must not be in the answer.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

ABSENT = "(absent)"

_ANSWER = re.compile(r"^HTTP (?=[0-9]{3}$)", re.MULTILINE)


class Exchange(msgspec.Struct, frozen=True):
    """Steps, then requests that differ only in their bodies, then the answer to each of them."""

    line: int
    steps: Sequence[str]
    head: str
    bodies: Sequence[str]
    status: int
    headers: dict[str, str]  # by name in lower case
    answer: str


class Case(msgspec.Struct, frozen=True):
    """One rule, and the exchanges that show it."""

    file: Path
    line: int
    rule: str
    exchanges: Sequence[Exchange]


def read(file: Path) -> Iterator[Case]:
    """Yield the cases of a file, in order. Raises `ValueError`, with file and line, if a case is malformed."""
    prose, *texts = re.split(r"^### ", file.read_text(), flags=re.MULTILINE)
    line = prose.count("\n") + 1
    for text in texts:
        rule, _, rest = text.partition("\n")
        yield Case(file, line, rule, list(_exchanges(file, line + 1, rest)))
        line += text.count("\n")


def headers(lines: Sequence[str]) -> dict[str, str]:
    """Parse lines like `Name: value`. Names keep their case."""
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
    [start, *_] = [number for number, text in enumerate(lines) if text and text[0] not in "!#"]
    head, _, bodies = "\n".join(lines[start:]).strip("\n").partition("\n\n")
    answer_head, _, expected = answer.strip("\n").partition("\n\n")
    status, *names = answer_head.split("\n")
    return Exchange(
        line + start,
        [step.removeprefix("! ") for step in lines[:start] if step.startswith("!")],
        head,
        re.split(r"\nor\n", bodies),
        int(status),
        {name.lower(): value for name, value in headers(names).items()},
        expected,
    )
