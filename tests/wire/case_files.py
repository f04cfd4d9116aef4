r"""Cases of the wire, as files that people read: how one is written, and how it is read in.

    ### An account has a balance (§2)
    # A remark. Steps that are no requests (`staging.STEPS`) begin with an exclamation mark.
    ! top-up alice 0.84292
    POST /api/v2

    key={alice}&action=balance

    HTTP 200

    {"balance": "100.84292", "currency": "USD"}

Exchanges are separated by a line `---`; a line `or` separates bodies that are sent one after the other and answered the
same. A request's lines end in CRLF; Host, Content-Length and a form's Content-Type are filled in. In requests and in
answers `{alice}` stands for what `staging` has by that name or what an answer before has told; in requests `\x00` is a
byte and `{x*200}` is 200 times `x`.

An answer is JSON, compared with its types; without a Content-Type it is `application/json` for 200, else `text/plain`.
In it, `$first` takes a number and `"$first"` a string, which that name stands for from then on (`$_` is never kept);
`"~…"` is a string that matches, and `"…"` in an array is whatever else there is. A header that is `(absent)` is not
sent, or must not come.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

ABSENT = "(absent)"

_ANSWER = re.compile(r"^HTTP (?=[0-9]{3}$)", re.MULTILINE)


class Exchange(msgspec.Struct, frozen=True):
    """Steps, then requests that are alike but for their bodies, then the answer that each gets."""

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
    """Yield the cases of a file, in its order. Raises `ValueError` with file and line for what is no case."""
    prose, *texts = re.split(r"^### ", file.read_text(), flags=re.MULTILINE)
    line = prose.count("\n") + 1
    for text in texts:
        rule, _, rest = text.partition("\n")
        yield Case(file, line, rule, list(_exchanges(file, line + 1, rest)))
        line += text.count("\n")


def headers(lines: Sequence[str]) -> dict[str, str]:
    """Read lines like `Name: value`, their names as they are written."""
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
