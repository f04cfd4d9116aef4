"""JSON Schemas of the API's requests, with an example of each.

All actions share one URL, so there are many schemas for its requests. The parameter `action` decides which one
applies. The action `add` has one schema for each order type, and the type of the service decides.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from tradepost.api.openapi.actions import ACTIONS, NAMES, ActionDoc
from tradepost.api.openapi.markdown import charged
from tradepost.api.openapi.responses import Schema, one_of, ref
from tradepost.engine.actions import Action
from tradepost.engine.order_types import PARAMETERS, RULES, OrderType, Parameter, Quantity, Rule

_KEY = "tp_live_47jute"
_DRIPFEED = (
    "With `runs` and `interval` it is a drip-feed, if the service has `dripfeed`: `quantity` is for each run; the "
    "service's `min` and `max`, and the charge, are for all of them together."
)


def bodies() -> dict[str, Schema]:
    """Return the schemas of all requests by name. `Request` is the choice between them."""
    actions = {_name(name): _action(name, action) for name, action in ACTIONS.items() if name is not Action.ADD}
    orders = {_name(Action.ADD, type_): _order(type_, rule) for type_, rule in RULES.items()}
    add = {
        **one_of(*map(ref, orders)),  # not oneOf: some types take the same parameters
        "title": "add",
        "description": _about(ACTIONS[Action.ADD]),
    }
    mapping = {name: ref(_name(name))["$ref"] for name in ACTIONS}
    choice = {
        "oneOf": [{"$ref": shape} for shape in mapping.values()],
        "discriminator": {"propertyName": "action", "mapping": mapping},
    }
    return {"Request": choice, _name(Action.ADD): add, **actions, **orders}


def examples() -> dict[str, Schema]:
    """Return an example for each schema of `bodies`, by the schema's name."""
    actions = {_name(name): _action_example(name, action) for name, action in ACTIONS.items() if name is not Action.ADD}
    orders = {_name(Action.ADD, type_): _order_example(rule) for type_, rule in RULES.items()}
    return {name: {"value": value} for name, value in (actions | orders).items()}


def schema(parameter: Parameter) -> Schema:
    kind = parameter.kind
    limits: Schema = {"enum": list(kind.choices) or None, "minimum": kind.min, "maximum": kind.max}
    limits |= {"maxLength": kind.chars_max, "pattern": kind.pattern}
    lines = f" At most {kind.lines_max:,} lines." if kind.lines_max else ""
    return {
        **({"type": "integer"} if kind.is_number else {"type": "string", "minLength": 1}),
        "description": f"{parameter.description}{lines}",
        **{name: limit for name, limit in limits.items() if limit is not None},
        "examples": [_value(parameter)],
    }


def _name(action: str, type_: str = "") -> str:
    words = [*action.split("_"), *type_.split()]
    return "".join(word[0].upper() + word[1:] for word in words) + "Request"


def _action(name: str, action: ActionDoc) -> Schema:
    about = f"{_about(action)}{_as_form(_action_example(name, action))}"
    needed = {"anyOf": [{"required": [each]} for each in action.one_of]} if action.one_of else {}
    return {"title": name, "description": about, **_object(name, action.parameters, ()), **needed}


def _about(action: ActionDoc) -> str:
    return f"{action.description}\n\nAnswer: {' or '.join(f'`{name}`' for name in action.answers)}."


def _as_form(example: Schema) -> str:
    return f"\n\nAs a form:\n\n    {urlencode(example)}"


def _order(type_: OrderType, rule: Rule) -> Schema:
    parameters = {name: PARAMETERS[name] for name in (*rule.needs, *rule.takes)}
    shape = _object(Action.ADD, {**parameters, **NAMES}, rule.needs)
    about = f"An order of a service of the type {type_}. Charged: {charged(rule)}."
    if rule.dripfeed:
        about = f"{about}\n\n{_DRIPFEED}"
        shape["dependentRequired"] = {"runs": ["interval"], "interval": ["runs"]}
    if rule.quantity is Quantity.POSTS:
        shape["anyOf"] = [{"required": ["posts"]}, {"required": ["old_posts"]}]
    if rule.required_when:
        shape["allOf"] = [_required_when(*condition) for condition in rule.required_when]
    return {"title": type_, "description": f"{about}{_as_form(_order_example(rule))}", **shape}


def _required_when(name: str, other: str, value: str) -> Schema:
    return {"if": {"properties": {other: {"const": int(value)}}}, "then": {"required": [name]}}


def _object(action: str, parameters: Mapping[str, Parameter], needed: Iterable[str]) -> Schema:
    return {
        "type": "object",
        "properties": {
            "key": {"type": "string", "description": "The API key, unless it comes as `Authorization: Bearer`."},
            "action": {"type": "string", "const": action},
            **{name: schema(parameter) for name, parameter in parameters.items()},
        },
        "required": ["action", *needed],
    }


def _action_example(name: str, action: ActionDoc) -> Schema:
    told = action.one_of[:1] or tuple(action.parameters)
    return {"key": _KEY, "action": name, **{each: _value(action.parameters[each]) for each in told}}


def _order_example(rule: Rule) -> Schema:
    one_more = ("posts",) if rule.quantity is Quantity.POSTS else ()
    names = (*rule.needs, *one_more)
    return {"key": _KEY, "action": Action.ADD, **{name: _value(PARAMETERS[name]) for name in names}}


def _value(parameter: Parameter) -> int | str:
    return int(parameter.example) if parameter.kind.is_number else parameter.example
