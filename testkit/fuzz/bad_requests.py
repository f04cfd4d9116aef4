"""Bad requests, made up by Hypothesis. None of them is a valid order.

An order lacks a required parameter, or has one that is plainly wrong. If its bytes are broken too, it lacks a parameter
that every type of its kind needs, so that no breakage can make the order valid. Everything else is random: actions,
names, values, dialects, headers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from testkit.fuzz import http_requests
from testkit.fuzz.http_requests import Request
from testkit.fuzz.request_content import BREAKAGES, CONTENT_TYPES, DIALECTS, Breakage, Dialect, Message, Strategy
from tradepost.engine.order_texts import TEXT_CHARS_MAX
from tradepost.engine.order_types import PARAMETERS, RULES, OrderType

QUANTITY_MAX = 1_000  # of every service
LINK_RULE = r"https://[a-z./0-9]+"
IDS_MAX = 150  # more than a request may have
ACTIONS = ("balance", "cancel", "orders", "refill", "refill_status", "services", "status")

_LIMITED = frozenset({"service", "quantity", "min", "max"})

type Parameters = dict[str, Any]


@dataclass(frozen=True)
class Target:
    """Where to send requests: a desk, a key with money, a service of each type, and an order that can't be canceled.

    The services have `LINK_RULE`, and quantities from 10 to `QUANTITY_MAX`.
    """

    host: str
    port: int
    key: str
    services: Mapping[OrderType, int]
    order: int


_TEXTS = st.text(max_size=40) | st.sampled_from(
    ["\0", "\ud800", "\udfff\ud800", "\ufeff", "%00", "%", "%u0041", "'; --", "{}", "[]", "\r\n", "🎈" * 30, "\u202e"]
)
_WORDS = _TEXTS.filter(lambda text: not any(char.isdigit() for char in text))
_NO_NUMBERS = _WORDS | st.sampled_from(
    ["1e3", "1.5", "0x10", "NaN", "Infinity", "١٢", "²", "1 000", "1,000", "--1", "1-", "9" * 101, "9" * 5_000, 1.5]
)
# Values that every dialect treats as absent: forms can't hold lists and objects.
_NOTHING: Strategy[Any] = st.sampled_from(
    ["", " ", "\t\r\n", "undefined", "null", None, [], {}, [[]], [{}], {"a": {"b": [1]}}, {"": None}, {"\ud800": "\0"}]
)
_ANYTHING: Strategy[Any] = st.one_of(
    _TEXTS, _NO_NUMBERS, _NOTHING, st.integers(), st.floats(), st.booleans(), st.lists(_TEXTS, max_size=3)
)
_MORE = st.dictionaries(_TEXTS, _ANYTHING, max_size=2)
_LISTS = ("order", "orders", "refill", "refills", "orders[]", "orders[0]", "order[1]", "refills[]")


def requests(target: Target) -> Strategy[Request]:
    """Make up requests: readable ones, ones with broken content, and a tenth that is no HTTP."""
    calls = _calls(target)
    readable = st.builds(
        lambda parameters, dialect: dialect(parameters), _one_of([_wrong_orders(target), calls]), DIALECTS
    )
    breakable = st.builds(_without, _one_of([_lacking_orders(target), calls]), st.sampled_from(["key", ""]))
    broken = st.builds(_break, breakable, DIALECTS, CONTENT_TYPES | st.none(), BREAKAGES)
    envelopes = http_requests.envelopes(target.key)
    well_formed = st.builds(http_requests.write, readable | broken, envelopes)
    no_http = http_requests.broken(st.builds(http_requests.write, broken, envelopes))
    return _one_of([well_formed] * 9 + [no_http])


def _break(parameters: Parameters, dialect: Dialect, content_type: bytes | None, breakages: list[Breakage]) -> Message:
    query, own_content_type, body = dialect(parameters)
    for breakage in breakages:
        query, body = breakage(query) if query else b"", breakage(body) if body else b""
    return Message(query, own_content_type if content_type is None else content_type, body)


def _wrong_orders(target: Target) -> Strategy[Parameters]:
    """Make up orders of any type with a required parameter that is missing or wrong."""
    return _one_of(
        st.builds(lambda order, name, value: order | {name: value}, _orders(target, type_), st.just(name), values)
        for type_, rule in RULES.items()
        for name in rule.needs
        for values in (_wrong(name), _NOTHING)
    )


def _lacking_orders(target: Target) -> Strategy[Parameters]:
    """Make up orders without a service; or without a link or a username, whichever the type needs."""
    return _one_of(
        st.builds(_without, _orders(target, type_), st.just(name))
        for type_, rule in RULES.items()
        for name in ("service", "link" if rule.link else "username")
    )


def _one_of[Value](choices: Iterable[Strategy[Value]]) -> Strategy[Value]:
    """Choose at random. Unlike `st.one_of`, nested calls are not flattened into one choice."""
    return st.sampled_from(list(choices)).flatmap(lambda chosen: chosen)


def _without(order: Parameters, name: str) -> Parameters:
    return {parameter: value for parameter, value in order.items() if parameter != name}


def _orders(target: Target, type_: OrderType) -> Strategy[Parameters]:
    """Make up orders with the parameters that their type needs, and random others."""
    rule = RULES[type_]
    order: Parameters = {"key": target.key, "action": "add"}
    order |= {name: PARAMETERS[name].example for name in rule.needs}
    order |= {"service": target.services[type_]} | ({} if rule.link else {"posts": 1})
    optional = st.dictionaries(st.sampled_from([*rule.takes, "idempotency_key", "request_id"]), _ANYTHING, max_size=2)
    return st.builds(lambda more, optional: more | order | optional, _MORE, optional)


def _wrong(name: str) -> Strategy[Any]:
    """Make up values that are wrong for a required parameter."""
    kind = PARAMETERS[name].kind
    if name == "link":
        return st.just("https://" + "a" * TEXT_CHARS_MAX) | _WORDS
    if kind.chars_max:
        return st.just("x" * (kind.chars_max + 1))
    if kind.lines_max:
        return st.just("x\n" * (kind.lines_max + 1)) | st.just("\n \r\n\t\n")
    too_large = 10**9 if name in _LIMITED else max(kind.choices, default=None)
    beyond = st.nothing() if too_large is None else st.integers(min_value=too_large + 1)
    return _NO_NUMBERS | st.integers(max_value=-1 if kind.choices else 0) | beyond


def _calls(target: Target) -> Strategy[Parameters]:
    """Make up requests for other actions, or for unknown ones."""
    ids = st.lists(st.just(target.order) | st.integers(-1, 10**20) | _TEXTS, max_size=5)
    many = st.integers(0, IDS_MAX).map(lambda count: [target.order, *range(1, count)])
    lists = (ids | many).flatmap(lambda ids: st.sampled_from([ids, ",".join(map(str, ids))]))
    ids_given = st.dictionaries(st.sampled_from(_LISTS), lists | st.just(target.order) | _ANYTHING, max_size=2)
    page = st.dictionaries(st.sampled_from(["limit", "before"]), _ANYTHING, max_size=2)
    return st.builds(
        lambda more, action, ids_given, page: more | {"key": target.key, "action": action} | ids_given | page,
        _MORE, _one_of([st.sampled_from(ACTIONS)] * 9 + [_ANYTHING]), ids_given, page,
    )  # fmt: skip
