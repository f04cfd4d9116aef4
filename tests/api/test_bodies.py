"""What a body is, whatever its content type says: read in this process, so that each case names its reason."""

import pytest

from tradepost.api import bodies

JSON, FORM, PARTS, TEXT = "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"
MULTIPART = b'--x\r\nContent-Disposition: form-data; name="action"\r\n\r\nbalance\r\n--x--'
BALANCE = [("action", "balance")]


@pytest.mark.parametrize(
    ("media_type", "body", "found"),
    [
        (JSON, b'{"action":"balance"}', BALANCE),
        (FORM, b'{"action":"balance"}', BALANCE),
        (JSON, b'\xef\xbb\xbf {"action":"balance"}', BALANCE),
        (JSON, '{"action":"balance"}'.encode("utf-16"), BALANCE),
        (JSON, b'[{"action":"balance"}]', BALANCE),
        (JSON, b'"{\\"action\\":\\"balance\\"}"', BALANCE),
        (JSON, b'"action=balance"', b"action=balance"),
        (FORM, b"%7B%22action%22%3A%22balance%22%7D", BALANCE),
        (FORM, b'{"action":"balance"}=', BALANCE),
        (JSON, b"action=balance", b"action=balance"),
        (
            JSON,
            b'{"quantity":100.0,"is":true,"no":null,"x":1.5}',
            [("quantity", "100"), ("is", "1"), ("no", ""), ("x", "1.5")],
        ),
        (JSON, b'{"orders":[1,[2,3]]}', [("orders", "1,2,3")]),
        (JSON, b'{"orders":{"0":"1","1":"2"}}', [("orders", "1,2")]),
        (JSON, b'{"orders":[{"id":1}]}', [("orders", "")]),
        (JSON, b'{"link":{"a":"b"}}', [("link", "")]),
        (JSON, b"null", []),
        (JSON, b"[]", []),
        (JSON, b"12", None),
        (JSON, b'{"action":', None),
        (PARTS, MULTIPART, BALANCE),
        (FORM, MULTIPART, BALANCE),
        (PARTS, MULTIPART.replace(b"\r\n", b"\n"), BALANCE),
        (PARTS, b"action=balance", b"action=balance"),
        (PARTS, b"--broken", None),
        (TEXT, b"action=balance\r\nkey=a b", b"action=balance&key=a%20b"),
        (TEXT, b"only words", b"only words"),
        (FORM, b"action=balance", b"action=balance"),
    ],
)
def test_a_body_is_what_it_looks_like(media_type: str, body: bytes, found: object) -> None:
    assert bodies.read(media_type, media_type, body) == found


def test_a_boundary_of_the_head_is_used_where_the_body_shows_none() -> None:
    body = b'--a b\r\nX: y\r\nContent-Disposition: form-data; name="action"\r\n\r\nbalance\r\n--a b--'
    assert bodies.read(PARTS, 'multipart/form-data; boundary="a b"', body) == BALANCE
