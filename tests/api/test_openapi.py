"""The OpenAPI document: valid, complete, and true of what the desk answers."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import asking
from tests.api.api_calls import call, order
from tests.conftest import Customer, Desk
from tests.waiting import HANG_SECONDS
from tradepost.api.openapi.actions import ACTIONS
from tradepost.api.openapi.document import document, encoded
from tradepost.api.openapi.requests import examples
from tradepost.api.openapi.responses import ANSWERS, ref
from tradepost.api.v2 import Api
from tradepost.database import engine_connection
from tradepost.engine.actions import Action
from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import PARAMETERS, RULES, OrderType
from tradepost.engine.settling import Report, settle
from tradepost.engine.statuses import Status

EXAMPLES_MAX = 200
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def fits(answer: object, *names: str) -> bool:
    """Tell whether an answer has one of these shapes."""
    shapes = {"anyOf": [ref(name) for name in names], "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(shapes).is_valid(answer)


def test_the_document_is_valid(desk: Desk) -> None:
    validate(asking.get(f"{desk.api_url}/openapi.json").json())


def test_it_is_served_to_anyone_and_compressed_for_whoever_takes_it(desk: Desk) -> None:
    plain = asking.get(f"{desk.api_url}/openapi.json", headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "application/json"
    assert plain.json() == json.loads(json.dumps(DOCUMENT))
    with asking.stream("GET", f"{desk.api_url}/openapi.json", headers={"Accept-Encoding": "gzip"}) as packed:
        assert gzip.decompress(b"".join(packed.iter_raw())) == plain.content
    assert asking.post(f"{desk.api_url}/openapi.json").status_code == 405


def test_every_action_is_done() -> None:
    assert set(Action) == Api("", "USD", requests_a_minute=1)._actions.keys()


def test_every_action_is_described() -> None:
    assert set(Action) == ACTIONS.keys() == SCHEMAS["Request"]["discriminator"]["mapping"].keys()
    assert {name for action in ACTIONS.values() for name in action.answers} == ANSWERS.keys() - {"Error"}


def test_every_type_of_order_is_described_with_its_parameters() -> None:
    shapes = [SCHEMAS[each["$ref"].rpartition("/")[2]] for each in SCHEMAS["AddRequest"]["anyOf"]]
    described = {shape["title"]: shape for shape in shapes}
    assert list(described) == OrderType.values()
    for type_, rule in RULES.items():
        assert described[type_]["properties"].keys() >= {*rule.needs, *rule.takes}
        assert described[type_]["required"] == ["action", *rule.needs]
    assert {name for shape in described.values() for name in shape["properties"]} >= PARAMETERS.keys()


@pytest.mark.parametrize("name", examples())
def test_every_example_is_a_request_as_described(name: str) -> None:
    assert fits(DOCUMENT["components"]["examples"][name]["value"], name)
    assert fits(DOCUMENT["components"]["examples"][name]["value"], "Request")


@pytest.mark.parametrize("refusal", Refusal.__subclasses__())
def test_every_error_is_described(refusal: type[Refusal]) -> None:
    told = [each.get("const", each.get("title")) for each in SCHEMAS["Error"]["properties"]["error"]["anyOf"]]
    assert refusal.text in told
    example = refusal.text.replace("<parameter>", "runs").replace("<N>", "10")
    assert fits({"error": example}, "Error")
    assert not fits({"error": f"{example}."}, "Error")
    assert not fits({"error": example, "order": 1}, "Error")


@pytest.fixture
def alice(make_customer: Callable[..., Customer]) -> Customer:
    """The owner of what is tested; she has enough for whatever is made up."""
    return make_customer("1000000")


@pytest.fixture
def sold(make_service: Callable[..., int]) -> dict[OrderType, int]:
    """Make a cheap service of each type, all they can have switched on."""
    terms = {"rate": Decimal("0.01"), "min": 1, "max": 1_000_000, "refill": True, "cancel": True}
    return {type_: make_service(type=type_, dripfeed=rule.dripfeed, **terms) for type_, rule in RULES.items()}


@pytest.fixture
def placed(desk: Desk, alice: Customer, sold: dict[OrderType, int]) -> list[int]:
    """Place an order, one that is fulfilled and may be refilled, a drip-feed and a subscription."""
    subscription = {"username": "alice", "min": 10, "max": 20, "delay": 0, "posts": 2}
    ids = [order(desk, alice, sold[OrderType.DEFAULT]) for _ in range(2)]
    ids.append(order(desk, alice, sold[OrderType.DEFAULT], runs=2, interval=1))
    ids.append(call(desk, alice, "add", service=sold[OrderType.SUBSCRIPTIONS], **subscription)["order"])
    with transaction.atomic():
        settle(engine_connection(), [Report(ids[1], Status.COMPLETED, 7, 0)], actor="test")
    return ids


def type_of(body: dict[str, Any]) -> OrderType:
    """Find the type that such an order is of: the one whose parameters it has, and which has most of them."""
    fitting = [(len(rule.needs), type_) for type_, rule in RULES.items() if body.keys() >= {*rule.needs}]
    return max(fitting)[1] if fitting else OrderType.DEFAULT


def test_every_example_is_answered_as_described(
    desk: Desk, alice: Customer, sold: dict[OrderType, int], placed: list[int]
) -> None:
    refill = call(desk, alice, "refill", order=placed[1])["refill"]
    known = {"key": alice.key, "order": placed[0], "refill": refill}
    for example in examples().values():
        sent = {name: known.get(name, value) for name, value in example["value"].items()}
        if sent["action"] == "add":
            sent["service"] = sold[type_of(sent)]
        if sent["action"] != "refill":
            answer = asking.post(desk.api_url, data=sent).json()
            assert fits(answer, *ACTIONS[sent["action"]].answers), (sent, answer)


def test_one_and_many_have_the_shapes_they_are_said_to_have(desk: Desk, alice: Customer, placed: list[int]) -> None:
    plain, completed, dripfeed, subscription = placed
    many = f"{plain},{completed},{dripfeed},{subscription},0,x"
    refill = call(desk, alice, "refill", order=completed)
    assert fits(refill, "Refill")
    assert fits(call(desk, alice, "refill", orders=many), "Refills")
    assert fits(call(desk, alice, "refill_status", order=completed), "RefillStatus")
    assert fits(call(desk, alice, "refill_status", orders=many), "RefillStatuses")
    assert fits(call(desk, alice, "refill_status", refills=f"{refill['refill']},0,x"), "RefillStatuses")
    assert fits(call(desk, alice, "status", order=dripfeed), "DripfeedStatus")
    assert fits(call(desk, alice, "status", order=subscription), "SubscriptionStatus")
    assert fits(call(desk, alice, "status", orders=many), "Statuses")
    assert fits(call(desk, alice, "orders"), "Orders")
    assert fits(call(desk, alice, "cancel", orders=many), "Cancels")
    assert fits(call(desk, alice, "status", order="x"), "Error")


def test_whatever_is_made_up_from_the_document_is_answered_as_it_says(
    desk: Desk, alice: Customer, sold: dict[OrderType, int], placed: list[int]
) -> None:
    """Half the requests are as described, half are not; most have a key with money, services and orders that exist."""
    operation = schemathesis.openapi.from_dict(json.loads(encoded().plain))["/api/v2"]["POST"]
    made_up = st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])
    seen: set[str] = set()

    @settings(max_examples=EXAMPLES_MAX, database=None, suppress_health_check=list(HealthCheck))
    @given(made_up, st.integers(0, 9))
    def answers(case: schemathesis.Case[Any], dice: int) -> None:
        body = case.body if isinstance(case.body, dict) else {}
        if dice:
            body.pop("key", None)
            case.headers["Authorization"] = f"Bearer {alice.key}"
        if dice % 2:
            known = {"service": sold[type_of(body)], "order": placed[dice // 2 - 1]}
            body.update((name, id_) for name, id_ in known.items() if name in body)
        response = case.call(base_url=desk.url, timeout=HANG_SECONDS)
        case.validate_response(response, checks=CHECKS)
        action = str(body.get("action"))
        if action in Action.values():
            described = ACTIONS[Action(action)]
            seen.update(name for name in described.answers if fits(response.json(), name))
            assert fits(response.json(), "Error", *described.answers)

    answers()
    assert "Placed" in seen
