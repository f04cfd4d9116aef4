"""Every action, type, parameter, error, state and section of the protocol has a case. The code gives the lists."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from tests.wire.stage import CUSTOMERS, SERVICES, STEPS
from tests.wire.test_wire import CASES
from tradepost.engine.actions import Action
from tradepost.engine.errors import Refusal
from tradepost.engine.order_types import RULES, OrderType, Quantity
from tradepost.engine.statuses import RefillStatus, Status

type Parameters = dict[str, str]

EXCHANGES = [exchange for case in CASES for exchange in case.exchanges]
WRITTEN = "".join(file.read_text() for file in sorted(Path(__file__).parent.glob("*.http")))


def forms() -> Iterator[tuple[Parameters, str]]:
    """Yield the parameters of each form and its expected answer."""
    for exchange in EXCHANGES:
        for body in exchange.bodies:
            yield dict(parse_qsl(body)), exchange.answer


def added(type_: OrderType) -> list[str]:
    """Return the expected answers to orders of this type."""
    services = {f"{{{name}}}" for name, fields in SERVICES.items() if fields.get("type", "Default") == type_}
    return [answer for parameters, answer in forms() if parameters.get("service") in services]


def refusals(type_: OrderType) -> set[str]:
    """Return the error for each parameter of an order of this type."""
    rule = RULES[type_]
    names = [*rule.required, *rule.optional, *(name for name, _, _ in rule.required_when)]
    named = [*names, "quantity"] if rule.quantity is Quantity.GIVEN else names
    return {f'{{"error": "Incorrect {name}"}}' for name in named} | ({'{"error": "Bad link"}'} if rule.link else set())


def test_each_rule_is_a_sentence_of_its_own_with_its_section() -> None:
    rules = [case.rule for case in CASES]
    assert len(set(rules)) == len(rules)
    assert [rule for rule in rules if not re.fullmatch(r".+ \(§[1-4]\)", rule)] == []
    assert {rule[-2] for rule in rules} == set("1234")


@pytest.mark.parametrize("action", Action)
def test_every_action_is_answered(action: Action) -> None:
    answers = [answer for parameters, answer in forms() if parameters.get("action") == action]
    assert [answer for answer in answers if not answer.startswith('{"error"')]


@pytest.mark.parametrize("type_", OrderType)
def test_every_type_is_accepted_and_each_of_its_parameters_refused(type_: OrderType) -> None:
    answers = added(type_)
    assert any(answer.startswith('{"order": $') for answer in answers)
    assert refusals(type_) - set(answers) == set()


@pytest.mark.parametrize("refusal", Refusal.__subclasses__())
def test_every_error_is_told(refusal: type[Refusal]) -> None:
    pattern = re.sub("<[a-zA-Z]+>", "[a-z0-9_]+", re.escape(refusal.text))
    assert any(re.search(f'"{pattern}"', exchange.answer) for exchange in EXCHANGES)


@pytest.mark.parametrize("status", [*Status, *RefillStatus])
def test_every_state_is_shown(status: str) -> None:
    assert any(f'"status": "{status}"' in exchange.answer for exchange in EXCHANGES)


@pytest.mark.parametrize("status", [200, 413])
def test_every_status_of_http_is_answered(status: int) -> None:
    assert any(exchange.status == status for exchange in EXCHANGES)


@pytest.mark.parametrize("name", [*CUSTOMERS, *SERVICES])
def test_nobody_is_on_stage_for_nothing(name: str) -> None:
    assert f"{{{name}}}" in WRITTEN


@pytest.mark.parametrize("step", STEPS)
def test_no_step_is_there_for_nothing(step: str) -> None:
    assert f"\n! {step} " in WRITTEN
