"""Parsing of values and answers in all forms that panels use (docs/protocol.md §5)."""

from decimal import Decimal
from typing import Any

import pytest

from tradepost_client import (
    ORDER_TYPES,
    RefillStatus,
    Status,
    _answers,
    _fields,
    _json,
    _statuses,
    _values,
    order_type,
)
from tradepost_client._answers import NotUnderstood
from tradepost_client._json import NoJson

NOTICE = "<br />\n<b>Notice</b>:  Undefined index: runs [0] in <b>/srv/api.php</b> on line <b>7</b><br />\n"


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1,234.56", "1234.56"), ("1.234,56", "1234.56"), ("1 234,56", "1234.56"), ("1'234.56", "1234.56"),
        ("1,234", "1234"), ("1,234,567", "1234567"), ("0,900", "0.900"),
        ("00,900", "0.900"), ("1,00,000", "100000"), ("12,345,6", "123456"), ("1’234.5", "1234.5"), ("٠٫٩", "0.9"),
        ("1500,000", "1500"), ("1.234.567", "1234567"), ("0,5", "0.5"), ("12,5", "12.5"),
        ("$12.50", "12.50"), ("$ -1,234.56", "-1234.56"), ("-$5", "-5"), ("\u22125", "-5"), ("12.5 USD", "12.5"),
        ("€0.27819", "0.27819"), ("Rs. 12.50", "12.50"), ("₽100", "100"), (" 7 ", "7"),
        ("1e-05", "0.00001"), (".5", "0.5"), ("8.", "8"),
        (12, "12"), (Decimal("0.1000000000000000055"), "0.1000000000000000055"), (-3, "-3"),
    ],
)  # fmt: skip
def test_an_amount_is_read_in_every_form(written: Any, amount: str) -> None:
    assert _values.amount(written) == Decimal(amount)


@pytest.mark.parametrize(
    "written",
    ["", "free", None, True, [], {}, "1e999", "1e5e5", "12 of 100", "2026-11-24", "--5", "5-", "1" * 101, 10**200,
     "NaN", "Infinity", Decimal("1e999999"), "10K", "1.5 M", "unlimited", "²"],
)  # fmt: skip
def test_what_is_no_amount_is_none(written: Any) -> None:
    assert _values.amount(written) is None


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("157", 157),
        (157, 157),
        ("-3", -3),
        ("1,500", 1500),
        ("100.00", 100),
        ("", None),
        (None, None),
        ("1.5", None),
        ("1.500", 1500),
        ("10.000", None),
        ("0.000", 0),
        (Decimal("10.000"), 10),
        ("Unknown", None),
        ("10K", None),
    ],
)
def test_a_whole_number_is_read_in_every_form(written: Any, number: int | None) -> None:
    assert _values.whole(written) == number


@pytest.mark.parametrize("written", [True, 1, "1", "true", "True", "yes", "on", " YES "])
def test_a_flag_is_set_in_every_form(written: Any) -> None:
    assert _values.flag(written)


@pytest.mark.parametrize("written", [False, 0, "0", "", "false", "no", None, [], {}, 2])
def test_what_is_no_yes_is_no(written: Any) -> None:
    assert not _values.flag(written)


@pytest.mark.parametrize("written", [True, "enabled", "Allowed", "1"])
def test_a_service_has_what_is_enabled(written: Any) -> None:
    assert _values.is_offered(written)


@pytest.mark.parametrize("written", [None, "", True, 1, "disabled", [], {}, "Unknown"])
def test_only_a_no_is_no(written: Any) -> None:
    assert not _values.is_no(written)
    assert _values.is_no("False")


@pytest.mark.parametrize("type_", ORDER_TYPES)
def test_a_type_is_found_in_every_case_and_without_its_blanks(type_: str) -> None:
    for written in (type_, type_.upper(), type_.lower().replace(" ", "_"), type_.replace(" ", "")):
        assert order_type(written) is ORDER_TYPES[type_]


@pytest.mark.parametrize("written", ["", "1", "Default 2", "Likes", "customs comments", "默认"])
def test_a_type_is_not_guessed(written: str) -> None:
    assert order_type(written) is None


def test_of_keys_with_one_name_a_value_that_can_be_an_id_wins_then_any_value() -> None:
    assert _fields.plain({"Order": None, "order": 5, "ORDER": 6}) == {"order": 5}
    assert _fields.plain({"Order": 5, "order": "none"}) == {"order": 5}
    assert _fields.plain({"order_id": "", "orderId": "new"}) == {"orderid": "new"}


@pytest.mark.parametrize(
    ("written", "id_"),
    [(5, 5), ("5", 5), ("005", "005"), ("a1-b2", "a1-b2"), (Decimal("23501.0"), 23501), (" 7 ", 7)],
)
def test_an_id_is_read_in_every_form(written: Any, id_: Any) -> None:
    assert _values.id_(written) == id_


@pytest.mark.parametrize("written", [0, "0", "", -1, "-1", None, "null", "error", True, False, [], {}, "1,2", 1 << 900])
def test_what_can_t_be_an_id_is_none(written: Any) -> None:
    assert _values.id_(written) is None


@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("Cancelled", Status.CANCELED), ("CANCELED", Status.CANCELED), ("canceled ", Status.CANCELED),
        ("Refunded", Status.CANCELED), ("4", Status.CANCELED), ("Inprogress", Status.IN_PROGRESS),
        ("in_progress", Status.IN_PROGRESS), ("In-Progress", Status.IN_PROGRESS), ("1", Status.IN_PROGRESS),
        ("Partially Completed", Status.PARTIAL), ("partial", Status.PARTIAL), ("3", Status.PARTIAL),
        ("complete", Status.COMPLETED), ("2", Status.COMPLETED), ("0", Status.PENDING), ("5", Status.PROCESSING),
        ("Active", Status.ACTIVE), ("expired", Status.EXPIRED), ("Paused", Status.PAUSED),
        ("success", None), ("Fail", None), ("Error", None), ("6", None), ("", None), ("待处理", None),
    ],
)  # fmt: skip
def test_a_status_is_read_in_every_spelling_and_never_guessed(written: str, status: Status | None) -> None:
    assert _statuses.status(written) is status


def test_every_status_of_the_protocol_is_itself() -> None:
    assert all(_statuses.status(status) is status for status in Status)
    assert all(_statuses.refill_status(status) is status for status in RefillStatus)


@pytest.mark.parametrize(
    "body",
    [
        '{"a":1}', '\ufeff{"a":1}', '\ufeff\ufeff\n {"a":1} \n\x00', NOTICE + '{"a":1}', NOTICE * 3 + '{"a":1}',
        'PHP Warning:  Array to string conversion in /srv/api.php on line 7\n{"a":1}', '{"a":1}\n' + NOTICE,
        'Deprecated: x{"a":1}',
    ],
)  # fmt: skip
def test_json_is_found_behind_what_php_prints(body: str) -> None:
    assert _json.find_answer(body.encode()) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        "", "OK", '<html><script>x={"error":"no"}</script></html>', '<p>{"error":"no"}</p>', '{"error":"no"}<html>',
        '<!DOCTYPE html><b>Warning</b>: {"error":"no"}', '{"1":{"status":"Pending"},"2":{"error":"no"}',
        NOTICE + '{"1":{"status":"Pending"},"2":{"error":"no"}', 'Maintenance {"error":"no"}', '{"error":"no"} {"a":1}',
        NOTICE + 'x: [ 1, {"error":"no"}', '{"a":NaN}', "[" * 100_000, '{"a":' * 100_000, "1" * 10_000, "\ufeff",
    ],
)  # fmt: skip
def test_json_is_found_nowhere_else(body: str) -> None:
    with pytest.raises(NoJson):
        _json.find_answer(body.encode())


def test_numbers_lose_nothing() -> None:
    answer = _json.find_answer(b'{"charge":0.1000000000000000055511151231257827,"order":123456789012345678901}')
    assert answer == {"charge": Decimal("0.1000000000000000055511151231257827"), "order": 123456789012345678901}


def test_text_in_another_encoding_is_no_obstacle() -> None:
    answer = _json.find_answer('[{"service":1,"name":"Seguidores rápidos\nya"}]'.encode("latin-1"))
    assert answer == [{"service": 1, "name": "Seguidores r\ufffdpidos\nya"}]


@pytest.mark.parametrize(
    ("value", "balance", "currency"),
    [
        ({"balance": "100.84292", "currency": "USD"}, "100.84292", "USD"),
        ({"balance": 12}, "12", ""), ({"balance": "$1,234.56"}, "1234.56", "USD"),
        ({"balance": "12.5 EUR"}, "12.5", "EUR"), ({"data": {"balance": "3", "currency": "TRY"}}, "3", "TRY"),
        ({"status": "success", "data": {"balance": "-0.5"}, "currency": "INR"}, "-0.5", "INR"),
        ({"data": "7.5"}, "7.5", ""), ("7.5", "7.5", ""), (Decimal("7.5"), "7.5", ""),
    ],
)  # fmt: skip
def test_a_balance_is_read_in_every_form(value: Any, balance: str, currency: str) -> None:
    result = _answers.balance(value)
    assert (result.balance, result.currency) == (Decimal(balance), currency)


@pytest.mark.parametrize(
    "value",
    [
        [{"service": "7", "rate": 8}], {"services": [{"service": 7, "rate": "8.00"}]}, {"data": [{"id": 7, "rate": 8}]},
        {"7": {"rate": "8"}}, {"data": {"services": {"7": {"price": "$8"}}}}, [{"service": 7, "rate": 8}, "junk", {}],
    ],
)  # fmt: skip
def test_services_are_read_in_every_form(value: Any) -> None:
    (service,) = _answers.services(value)
    assert (service.service, service.rate) == (7, Decimal(8))
    assert (service.type, service.min, service.refill, service.description) == ("Default", None, False, "")


@pytest.mark.parametrize("value", [[], {}, {"services": []}, {"data": {}}])
def test_there_may_be_nothing_on_sale(value: Any) -> None:
    assert _answers.services(value) == []


@pytest.mark.parametrize("value", [None, "no", {"message": "maintenance"}, ["junk"], {"data": None}])
def test_what_lists_no_services_is_not_understood(value: Any) -> None:
    with pytest.raises(NotUnderstood):
        _answers.services(value)


@pytest.mark.parametrize(
    "value",
    [{"order": 5}, {"order": "5"}, {"order_id": "5"}, {"id": 5}, {"status": "success", "data": {"order": 5}},
     {"order": 5, "error": None}],
)  # fmt: skip
def test_the_id_of_a_new_order_is_found_in_every_form(value: Any) -> None:
    assert _answers.placed(value).order == 5


@pytest.mark.parametrize(
    "value",
    [
        {"status": "Partial", "remains": "157"}, {"5": {"status": "Partial", "remains": 157}},
        {"status": "success", "data": {"status": "partial", "remains": 157}},
    ],
)  # fmt: skip
def test_one_standing_is_read_in_every_form(value: Any) -> None:
    standing = _answers.standing(value, "5")
    assert (standing.status, standing.remains, standing.charge) == (Status.PARTIAL, 157, None)


@pytest.mark.parametrize(
    "value",
    [
        {"5": {"status": "Active", "posts": "2"}}, [{"order": "5", "status": "Active", "posts": 2}],
        {"data": {"5": {"status": "Active", "posts": "2"}}}, {"orders": [{"id": 5, "status": "active", "posts": "2"}]},
        {"status": "Active", "posts": "2"},
    ],
)  # fmt: skip
def test_many_standings_are_read_in_every_form(value: Any) -> None:
    (standing,) = _answers.standings(value, [5]).values()
    assert (standing.status, standing.posts) == (Status.ACTIVE, 2)  # type: ignore[union-attr]


def test_a_drip_feed_tells_its_runs_and_orders() -> None:
    standing = _answers.standing({"status": "In progress", "runs": "2", "orders": [11, "12", None]}, "5")
    assert (standing.runs, standing.orders) == (2, (11, 12))


def test_a_list_of_orders_with_a_gap_proves_nothing() -> None:
    with pytest.raises(NotUnderstood):
        _answers.listed([{"order": 5, "status": "Pending"}, {"status": "Pending"}])
