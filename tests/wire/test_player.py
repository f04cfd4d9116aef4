"""The cases' own tests: the parser, the requests that are sent, and the failure on another answer."""

import json
from pathlib import Path

import pytest

from tests.conftest import Desk
from tests.wire import case_files, player
from tests.wire.case_files import Exchange
from tests.wire.player import JSON, Reply
from tests.wire.stage import Stage


def written(folder: Path, text: str) -> Path:
    file = folder / "0-test.http"
    file.write_text(text)
    return file


CASES = """Prose.

### The first rule (§1)
! top-up alice 1
# A remark
POST /api/v2
A: b

one
or
two

HTTP 200
X-Header: y

{}
---
GET /api/v2

HTTP 413

Text

### The second rule (§2)
GET /api/v2?a

HTTP 200

[]
"""


def test_a_file_is_read_case_by_case_with_its_lines(tmp_path: Path) -> None:
    file = written(tmp_path, CASES)
    first, second = case_files.read(file)
    assert (first.line, first.rule) == (3, "The first rule (§1)")
    assert first.exchanges == [
        Exchange(6, ["top-up alice 1"], "POST /api/v2\nA: b", ["one", "two"], 200, {"x-header": "y"}, "{}"),
        Exchange(18, [], "GET /api/v2", [""], 413, {}, "Text"),
    ]
    assert (second.line, second.exchanges) == (24, [Exchange(25, [], "GET /api/v2?a", [""], 200, {}, "[]")])


@pytest.mark.parametrize("text", ["GET /api/v2\n", "! top-up alice 1\n\nHTTP 200\n\n{}\n", "GET /\n\nHTTP two\n\n{}\n"])
def test_what_is_no_case_is_told_by_file_and_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"0-test\.http:2: no request"):
        list(case_files.read(written(tmp_path, f"### A rule (§1)\n{text}")))


def test_a_request_is_sent_as_it_is_written(stage: Stage) -> None:
    stage["alice"] = "k"
    assert player.request_bytes("POST /x\nhost: here\nContent-Type: (absent)", "a={alice}\n{1,*2}\\xff", stage) == (
        b"POST /x HTTP/1.1\r\nContent-Length: 10\r\nhost: here\r\n\r\na=k\r\n1,1,\xff"
    )


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("1", "1.0"),
        ("1", "true"),
        ("1", '"1"'),
        ("null", "false"),
        ("{}", "[]"),
        ('{"a": 1}', '{"a":1,"b":2}'),
        ('{"a": 1, "b": 2}', '{"a":1}'),
        ("[1]", "[1,2]"),
        ("[2, 1]", "[1,2]"),
        ('[{"a": [1]}]', '[{"a":["1"]}]'),
        ('["…", 3, 2]', "[1,2,3]"),
        ("$a", '"1"'),
        ('"$a"', "1"),
        ("[$a, $a]", "[1,2]"),
        ("$_", "null"),
        ('"~a+"', '"ab"'),
        ('"~1"', "1"),
        ("{}", "{ }"),
        ('"é"', '"\\u00e9"'),
    ],
)
def test_another_answer_is_a_difference(expected: str, found: str) -> None:
    assert differences(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ('{"b": [1, "x"], "a": null}', '{"a":null,"b":[1,"x"]}'),
        ('["…", 2, "…", 4]', "[1,2,3,4,5]"),
        ('["…"]', "[]"),
        ('[$a, {"b": "$b"}, $a, $_, $_]', '[1,{"b":"1"},1,2,3]'),
        ('"~a+"', '"aa"'),
    ],
)
def test_the_expected_answer_is_none(expected: str, found: str) -> None:
    assert not differences(expected, found)


def differences(expected: str, found: str) -> list[str]:
    """Compare an answer with status 200 with the expected one."""
    exchange = Exchange(1, [], "GET /", [""], 200, {}, expected)
    return player.differences(exchange, expected, Reply(200, {"content-type": JSON}, found.encode()), {})


def test_status_and_headers_are_compared() -> None:
    exchange = Exchange(1, [], "GET /", [""], 200, {"location": case_files.ABSENT, "vary": "a"}, "{}")
    reply = Reply(201, {"content-type": f"{JSON}; charset=utf-8", "location": "/"}, b"{}")
    assert player.differences(exchange, "{}", reply, {}) == [
        "the status is 201",
        "content-type is application/json; charset=utf-8, not application/json",
        "location is /, not (absent)",
        "vary is (absent), not a",
    ]


def test_a_case_that_is_not_true_fails_with_its_place_and_both_sides(tmp_path: Path, desk: Desk, stage: Stage) -> None:
    [case] = case_files.read(
        written(tmp_path, '### All is free (§2)\nGET /api/v2?key={poor}&action=balance\n\nHTTP 200\n\n{"balance": 0}\n')
    )
    with pytest.raises(pytest.fail.Exception) as failed:
        player.play(case, desk.url, stage)
    assert f"{case.file}:2: All is free (§2): the JSON is another one" in str(failed.value)
    assert '{"balance": 0}' in str(failed.value)
    assert json.dumps({"balance": "0.05", "currency": "USD"}, separators=(",", ":")) in str(failed.value)
