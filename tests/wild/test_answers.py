"""What panels really answer, and how the client library reads it (docs/dialects.md, "What panels answer").

Each answer is sent by a panel on a real socket. The tables hold one line for each form; `client/tests` has the values.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from testkit.upstream.server import Reply, Upstream
from tradepost_client import (
    Ambiguous,
    Balance,
    CancelAccepted,
    Client,
    Declined,
    DefaultOrder,
    Refill,
    RefillStanding,
    RefillStatus,
    Refused,
    Service,
    Standing,
    Status,
    Unreadable,
)

D = Decimal
ORDER = DefaultOrder(service=1, link="https://pixelpond.example/alice", quantity=100)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def panel(upstream: Upstream) -> Iterator[Client]:
    """A client that never asks twice."""
    with Client(upstream.url, upstream.panel.key, retry=None) as client:
        yield client


def answered(upstream: Upstream, answer: Any) -> None:
    """Let the panel send this answer to the next request: bytes as they are, anything else as JSON."""
    upstream.canned = [Reply(answer if isinstance(answer, bytes) else json.dumps(answer).encode())]


def only_service(upstream: Upstream, panel: Client, **fields: Any) -> Service:
    answered(upstream, [{"service": 7, "name": "Likes", "rate": "0.90", "min": 1, "max": 9, **fields}])
    (service,) = panel.services()
    return service


@pytest.mark.parametrize(
    "answer",
    [
        {"Order": 5}, {"ORDER": "5"}, {"orderId": 5}, {"OrderID": 5}, {"Order ID": "5"}, {"order": {"id": 5}},
        {"data": {"order": 5}}, {"data": {"id": 5}}, {"data": {"data": {"order_id": 5}}}, {"result": {"order": 5}},
        {"response": {"Order": 5}}, {"success": True, "data": {"order": 5}, "message": "Order placed"},
        {"code": 200, "status": "success", "data": [{"order": 5}]}, {"status": True, "data": {"id": "5"}},
        {"id": "request-9", "data": {"order": 5}}, {"order": 5, "error": ""}, {"order": 5, "error": "0"},
        {"order": 5, "error": False}, {"order": 5, "error": "none"}, {"order": 5, "errors": []}, [{"order": 5}],
    ],
)  # fmt: skip
def test_an_order_is_placed_under_any_name_and_wrapper(upstream: Upstream, panel: Client, answer: Any) -> None:
    answered(upstream, answer)
    assert panel.add(ORDER).order == 5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "Not enough funds"}, "Not enough funds"),
        ({"Error": "Not enough funds"}, "Not enough funds"),
        ({"ERROR": "Not enough funds"}, "Not enough funds"),
        ({"error": "You can&#39;t order &amp;amp; pay"}, "You can't order & pay"),
        ({"error": {"code": 7, "message": "Not enough funds"}}, "Not enough funds"),
        ({"error": {"description": "Not enough funds"}}, "Not enough funds"),
        ({"error": {"link": ["The link is required."]}}, "The link is required."),
        ({"error": ["Bad link", "Bad quantity"]}, "Bad link; Bad quantity"),
        ({"error": 1, "msg": "Not enough funds"}, "Not enough funds"),
        ({"error": "true", "message": "Not enough funds"}, "Not enough funds"),
        ({"success": False, "message": "Not enough funds"}, "Not enough funds"),
        ({"Success": "false", "Message": "Not enough funds"}, "Not enough funds"),
        ({"success": 0, "errors": {"link": ["Bad link"]}}, "Bad link"),
        ({"ok": False, "description": "Bad link"}, "Bad link"),
        ({"status": False, "data": {"msg": "Saldo tidak cukup"}}, "Saldo tidak cukup"),
        ({"status": "false", "message": "Saldo tidak cukup"}, "Saldo tidak cukup"),
        ({"success": False, "data": {"error": "Bad link"}, "code": 400}, "Bad link"),
        ({"success": False, "error": None, "data": None, "detail": "Bad link"}, "Bad link"),
    ],
)
def test_a_refusal_is_definite_and_its_words_are_kept(
    upstream: Upstream, panel: Client, answer: Any, words: str
) -> None:
    answered(upstream, answer)
    with pytest.raises(Refused) as caught:
        panel.add(ORDER)
    assert caught.value.words == words
    assert all(word in caught.value.text for word in words.split("; "))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"message": "Unauthenticated."}, "Unauthenticated."),
        ({"msg": "Not enough funds"}, "Not enough funds"),
        ({"errors": ["Not enough funds"]}, "Not enough funds"),
        ({"errors": {"link": ["Bad link"]}, "message": "Invalid data"}, "Invalid data; Bad link"),
        ({"error_message": "Not enough funds"}, "Not enough funds"),
        ({"errorMsg": "Not enough funds"}, "Not enough funds"),
        ({"detail": "Not found."}, "Not found."),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"reason": "Not enough funds"}, "Not enough funds"),
        ({"status": "fail", "message": "Not enough funds"}, "Not enough funds"),
        ({"status": "error", "message": "Not enough funds"}, "Not enough funds"),
        ({"data": {"error": "Bad link"}}, "Bad link"),
        ({"data": {"success": False, "message": "Bad link"}}, "Bad link"),
        ([{"error": "Bad link"}], "Bad link"),
        ("Not enough funds", "Not enough funds"),
        (b"Not enough funds", "Not enough funds"),
        ("Недостаточно средств".encode(), "Недостаточно средств"),
        (b"\xef\xbb\xbf<b>Not enough</b> funds<script>x=1</script>\n", "Not enough funds"),
        (b"<html><head><title>Just a moment...</title></head><body>1</body></html>", "Just a moment..."),
        ({"success": True, "error": "Provider timeout"}, "Provider timeout"),
        ({"status": "success", "error": "Provider timeout"}, "Provider timeout"),
        ({"order": 5, "error": "Provider timeout"}, "Provider timeout"),
        ({"success": False, "order": 5, "message": "Provider timeout"}, "Provider timeout"),
        ({"error": "Provider timeout", "data": {"order_id": 5}}, "Provider timeout"),
        ({"error": "Provider timeout", "order": {"id": 5}}, "Provider timeout"),
        ({"success": True}, ""),
        (b'{"error":"Not enough fun', ""),
        (b"", ""),
    ],
)
def test_what_may_mean_an_order_stays_ambiguous_and_its_words_are_shown(
    upstream: Upstream, panel: Client, answer: Any, words: str
) -> None:
    answered(upstream, answer)
    with pytest.raises(Ambiguous) as caught:
        panel.add(ORDER)
    assert caught.value.words == words
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"data": {"error": "Incorrect order ID"}}, "Incorrect order ID"),
        ({"5": {"error": "Incorrect order ID"}}, "Incorrect order ID"),
        ([{"order": 5, "error": "Incorrect order ID"}], "Incorrect order ID"),
        ({"status": False, "data": {"error": "Incorrect order ID"}}, "Incorrect order ID"),
    ],
)
def test_where_nothing_is_changed_a_wrapped_error_is_a_refusal(
    upstream: Upstream, panel: Client, answer: Any, words: str
) -> None:
    answered(upstream, answer)
    with pytest.raises(Refused) as caught:
        panel.status(5)
    assert caught.value.text == words


@pytest.mark.parametrize(
    ("answer", "remains"),
    [
        ({"status": "Partial"}, None), ({"status": "Partial", "remains": None}, None),
        ({"status": "Partial", "remains": "Unknown"}, None), ({"status": "Partial", "remains": ""}, None),
        ({"status": "Partial", "remains": "N/A"}, None), ({"status": "Partial", "remains": "1.2K"}, None),
        ({"status": "Partial", "remains": "10.000"}, None), ({"status": "Partial", "remains": "1.500"}, 1500),
        ({"status": "Partial", "remains": "1,500"}, 1500), ({"status": "Partial", "remains": "0"}, 0),
        ({"Status": "Partial", "Remains": "157"}, 157), ({"status": "Partial", "remain": 157}, 157),
        ({"order_status": "Partial", "remains": 157}, 157), ({"status": {"status": "Partial", "remains": 157}}, 157),
        ({"status": "success", "data": {"status": "Partial", "remains": 157}}, 157),
        ({"success": True, "order": {"id": 5, "status": "Partial", "remains": "157"}}, 157),
        ({"success": True, "data": [{"order": 5, "status": "Partial", "remains": 157}]}, 157),
        ({"code": 200, "data": {"5": {"status": "Partial", "remains": 157}}}, 157),
    ],
)  # fmt: skip
def test_remains_are_what_the_panel_says_and_never_a_guess(
    upstream: Upstream, panel: Client, answer: Any, remains: int | None
) -> None:
    answered(upstream, answer)
    standing = panel.status(5)
    assert (standing.status, standing.remains) == (Status.PARTIAL, remains)


@pytest.mark.parametrize("status", ["Fail", "Error", "Rejected", "FAILED", "Declined", "Chargeback", "Deleted"])
def test_an_unknown_end_keeps_its_own_text(upstream: Upstream, panel: Client, status: str) -> None:
    unknown = Standing(status=None, raw_status=status)
    answered(upstream, {"status": status})
    assert panel.status(5) == unknown
    answered(upstream, {"5": {"status": status}, "6": {"status": "Refunded"}})
    assert panel.statuses([5, 6]) == {5: unknown, 6: Standing(status=Status.CANCELED, raw_status="Refunded")}


def test_a_status_that_is_about_the_question_is_no_order_s(upstream: Upstream, panel: Client) -> None:
    for answer in ({"status": "error", "message": "Order not found"}, {"status": "success"}, {"status": "OK"}):
        answered(upstream, answer)
        with pytest.raises(Ambiguous):
            panel.status(5)


WHOLE = {"error": "Order ID is required"}


@pytest.mark.parametrize("method", ["statuses", "refills", "refill_statuses", "cancel"])
@pytest.mark.parametrize("ids", [[7000], [7000, 7001]])
@pytest.mark.parametrize("answer", [WHOLE, {"success": False, "message": "Order ID is required"}])
def test_a_batch_that_is_refused_whole_is_a_refusal(
    upstream: Upstream, panel: Client, method: str, ids: list[int], answer: Any
) -> None:
    answered(upstream, answer)
    with pytest.raises(Refused) as caught:
        getattr(panel, method)(ids)
    assert caught.value.words == "Order ID is required"


def test_an_error_of_an_id_is_about_that_id(upstream: Upstream, panel: Client) -> None:
    done, unknown = Standing(status=Status.COMPLETED, raw_status="Completed"), Declined("Incorrect order ID")
    fields = [{"order": 5, "status": "Completed"}, {"order": "6", "error": "Incorrect order ID"}]
    by_id = {"5": {"Status": "Completed"}, "6": {"Error": "Incorrect order ID"}}
    for answer in (fields, by_id, {"data": fields}, {"success": True, "data": {"orders": by_id}}):
        answered(upstream, answer)
        assert panel.statuses([5, 6]) == {5: done, 6: unknown}
    answered(upstream, [fields[1]])
    assert panel.statuses([6]) == {6: unknown}


def test_standings_without_ids_are_nobody_s(upstream: Upstream, panel: Client) -> None:
    answered(upstream, [{"status": "Completed"}, {"status": "Partial"}])
    with pytest.raises(Ambiguous):
        panel.statuses([5, 6])
    answered(upstream, [{"order": 5, "status": "Completed"}, {"status": "Partial"}])
    assert panel.statuses([5, 6])[6] == Unreadable("")


@pytest.mark.parametrize(
    ("entry", "result"),
    [
        ({"cancel": 1}, CancelAccepted()), ({"cancel": "1"}, CancelAccepted()), ({"cancel": True}, CancelAccepted()),
        ({"cancel": 4711}, CancelAccepted()), ({"Cancel": "Success"}, CancelAccepted()),
        ({"cancel": {"status": "Success"}}, CancelAccepted()), ({"cancel": {"success": True}}, CancelAccepted()),
        ({"status": "success"}, CancelAccepted()), ({"success": True}, CancelAccepted()),
        ({"cancel": {"error": "Too late"}}, Declined("Too late")),
        ({"cancel": {"Error": "Too late"}}, Declined("Too late")),
        ({"cancel": {"success": False, "message": "Too late"}}, Declined("Too late")),
        ({"success": False, "message": "Too late"}, Declined("Too late")),
    ],
)  # fmt: skip
def test_a_cancel_is_accepted_or_declined_in_any_form(
    upstream: Upstream, panel: Client, entry: dict[str, Any], result: Any
) -> None:
    for answer in ([{"order": 5, **entry}, {"order": 6, "cancel": 1}], {"data": {"5": entry, "6": {"cancel": 1}}}):
        answered(upstream, answer)
        assert panel.cancel([5, 6]) == {5: result, 6: CancelAccepted()}


@pytest.mark.parametrize("entry", [{"cancel": 0}, {"cancel": "Fail"}, {"status": "Active"}, {"status": 400}, {}])
def test_a_cancel_that_says_neither_is_unreadable(upstream: Upstream, panel: Client, entry: dict[str, Any]) -> None:
    answered(upstream, [{"order": 5, **entry}, {"order": 6, "cancel": 1}])
    assert isinstance(panel.cancel([5, 6])[5], Unreadable)


@pytest.mark.parametrize(
    "answer", [{"refill": "42"}, {"Refill": 42}, {"refill": {"id": 42}}, {"refill_id": 42}, {"data": {"refill": 42}}]
)
def test_a_refill_is_accepted_in_any_form(upstream: Upstream, panel: Client, answer: Any) -> None:
    answered(upstream, answer)
    assert panel.refill(5) == Refill(42)
    answered(upstream, [{"order": 5, **answer}, {"order": 6, "refill": {"error": "Too late"}}])
    assert panel.refills([5, 6]) == {5: Refill(42), 6: Declined("Too late")}


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "In progress"}, {"Status": "in_progress"}, {"status": {"status": "In progress"}},
        {"status": "success", "data": {"status": "In progress"}}, {"refill": {"id": 42, "status": "In progress"}},
    ],
)  # fmt: skip
def test_a_refill_s_status_is_read_in_any_form(upstream: Upstream, panel: Client, fields: dict[str, Any]) -> None:
    answered(upstream, {"refill": 42, **fields})
    standing = panel.refill_status(42)
    assert standing.status is RefillStatus.IN_PROGRESS
    answered(upstream, [{"refill_id": 42, **fields}, {"refill": 43, "status": {"error": "Refill not found"}}])
    assert panel.refill_statuses([42, 43]) == {
        42: RefillStanding(RefillStatus.IN_PROGRESS, standing.raw_status),
        43: Declined("Refill not found"),
    }


@pytest.mark.parametrize(
    ("answer", "balance"),
    [
        ({"Balance": "12.50", "Currency": "USD"}, "12.50"), ({"funds": "12.50", "currency": "USD"}, "12.50"),
        ({"success": True, "data": {"balance": "$12.50"}}, "12.50"),
        ({"balance": "۱۲٫۵۰", "currency": "USD"}, "12.50"), ({"user_balance": "12,50 USD"}, "12.50"),
        ({"balance": {"amount": "12.50", "currency": "USD"}, "currency": "USD"}, "12.50"),
        ({"result": {"data": {"Balance": 12.5, "currency": "USD"}}}, "12.5"),
        ({"balance": "0,900", "currency": "USD"}, "0.900"), ({"balance": "1,234,567.89 USD"}, "1234567.89"),
    ],
)  # fmt: skip
def test_a_balance_is_read_in_any_form(upstream: Upstream, panel: Client, answer: Any, balance: str) -> None:
    answered(upstream, answer)
    assert panel.balance() == Balance(D(balance), "USD")


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"Service": 7, "Price": "0,9"}]}, {"success": True, "data": {"services": [{"id": 7, "cost": 0.9}]}},
        {"result": {"7": {"rate": ".9"}}}, {"Instagram": [{"service": 7, "rate": "0.9"}], "TikTok": []},
        {"SERVICES": [{"ServiceID": "7", "rate_per_1000": "0.90"}]}, [{"service": 7, "rate": None, "price": "$0.90"}],
    ],
)  # fmt: skip
def test_a_list_is_read_in_any_form(upstream: Upstream, panel: Client, answer: Any) -> None:
    answered(upstream, answer)
    (service,) = panel.services()
    assert (service.service, service.rate) == (7, D("0.9"))


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("custom_comments", "Custom Comments"), ("CUSTOM_COMMENTS_PACKAGE", "Custom Comments Package"),
        ("mentions_custom_list", "Mentions Custom List"), ("Mentions (custom list)", "Mentions Custom List"),
        ("invites_from_groups", "Invites from Groups"), ("InvitesFromGroups", "Invites from Groups"),
        ("invite-from-groups", "Invites from Groups"), ("subscription", "Subscriptions"), ("seo", "SEO"),
        ("Comments replies", "Comment Replies"), ("MENTIONS_MEDIEA_LIKERS", "Mentions Media Likers"),
        ("mentions_user_follower", "Mentions User Followers"), ("mentions&nbsp;hashtag", "Mentions Hashtag"),
        ("web_traffic", "Web Traffic"), ("default", "Default"), (0, "Default"), ("", "Default"), (None, "Default"),
        ("drip_feed", "drip_feed"), (2, "2"), ("Special 1", "Special 1"), ("पैकेज", "पैकेज"),
    ],
)  # fmt: skip
def test_a_type_is_known_by_its_letters_alone(upstream: Upstream, panel: Client, written: Any, type_: str) -> None:
    assert only_service(upstream, panel, type=written).type == type_


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("unlimited", None), (None, None), ("∞", None), ("", None), (-1, None), ("No limit", None), ("10K", 10_000),
        ("10k+", 10_000), ("1M", 1_000_000), ("1.5M", 1_500_000), ("1kk", 1_000_000), ("2 million", 2_000_000),
        ("10 тыс", 10_000), ("10 000", 10_000), ("10\u00a0000", 10_000), ("10,000", 10_000), ("10.000", 10_000),
        ("1.000.000", 1_000_000), ("10'000", 10_000), ("10000.00", 10_000), (1e4, 10_000), ("1e4", 10_000),
        ("5000 per day", 5_000), ("۱۰۰۰", 1_000), ("١٠٬٠٠٠", 10_000), ("10K/day", 10_000),
    ],
)  # fmt: skip
def test_a_limit_is_read_in_any_form(upstream: Upstream, panel: Client, written: Any, limit: int | None) -> None:
    assert only_service(upstream, panel, max=written).max == limit
    assert only_service(upstream, panel, max=None, Maximum=written).max == limit


@pytest.mark.parametrize(
    ("written", "rates"),
    [
        (["0,900"], ["0.9"]),
        (["0,9", "12,50", "1,500"], ["0.9", "12.5", "1.5"]),  # the list shows that a comma is its decimal mark
        (["0,900", "1.500"], ["0.9", "1500"]),
        (["1.234,56", "1,500"], ["1234.56", "1.5"]),
        (["1,500"], ["1500"]),  # nothing shows it: the dearer reading, which loses no money
        (["0.90", "1,500"], ["0.9", "1500"]),
        (["0.90", "0,90", "1,500"], ["0.9", "0.9", "1500"]),  # both are met: nothing is shown
        (["1,500,000", "0,5", "1,500"], ["1500000", "0.5", "1500"]),
        (["2,5", "1,500", "12,000", "15,000", "20,000"], ["2.5", "1500", "12000", "15000", "20000"]),  # one slip
        (["1.500", "0.900", "$1.500"], ["1.5", "0.9", "1.5"]),
    ],
)
def test_a_comma_in_a_rate_is_read_by_what_the_list_shows(
    upstream: Upstream, panel: Client, written: list[str], rates: list[str]
) -> None:
    answered(upstream, [{"service": number, "rate": rate} for number, rate in enumerate(written, 1)])
    assert [service.rate for service in panel.services()] == [D(rate) for rate in rates]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Real &amp; Active", "Real & Active"), ("Real &amp;amp; Active", "Real & Active"), ("it&#39;s", "it's"),
        ("&quot;HQ&quot; &#x1F525;", '"HQ" 🔥'), ("a&nbsp;b", "a b"), ("&lt;b&gt;bold", "<b>bold"),
        ("AT&T;", "AT&T;"), ("a=1&copy=2", "a=1&copy=2"), ("R&D", "R&D"), ("&unknown;", "&unknown;"),
        ("&&amp;&", "&&&"),
    ],
)  # fmt: skip
def test_texts_are_text_and_not_html(upstream: Upstream, panel: Client, written: str, text: str) -> None:
    service = only_service(upstream, panel, name=written, category=written, description=written)
    assert (service.name, service.category, service.description) == (text, text, text)


def test_fields_are_known_by_their_other_names(upstream: Upstream, panel: Client) -> None:
    answered(
        upstream,
        [{"ID": 7, "Title": "Likes", "cost": 0.9, "Minimum": "10", "Maximum": "1K", "canceling": "Yes", "drip_feed": 1,
          "refillable": "enabled", "desc": "Slow", "average": "2 hours"}],
    )  # fmt: skip
    (service,) = panel.services()
    assert service == Service(
        service=7, name="Likes", type="Default", category="", rate=D("0.9"), min=10, max=1_000, refill=True,
        cancel=True, dripfeed=True, description="Slow", average_time="2 hours",
    )  # fmt: skip
