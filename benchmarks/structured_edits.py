"""Generated JSON answers and tool calls, as a support desk sees them, with edits that break them and edits that do not.

Real answers in the data folder hold JSON of one key and no tool calls, so these are generated: seeded, with or without
a schema in the request, with and without nesting.
"""

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

from schemas.answers import ToolCall
from schemas.exchanges import Request

Value = dict[str, Any]

_PRIORITIES = ("low", "normal", "high")
_CATEGORIES = ("delivery", "refund", "damage", "account")
_CITIES = ("Oslo", "Bergen", "Lisbon", "Ghent", "Porto", "Graz")
_PRODUCTS = ("kettle", "desk lamp", "rain jacket", "notebook", "headphones", "backpack")
_SUMMARIES = (
    "The parcel arrived late and the box was open.",
    "The customer asks where the second parcel is.",
    "The lamp flickers after an hour of use.",
    "The invoice names the wrong company.",
)
_SYNONYM_KEYS = {"priority": "urgency", "category": "topic", "items": "products", "customer": "client", "price": "cost",
                 "summary": "description", "order_id": "id", "quantity": "count", "refundable": "can_refund",
                 "name": "label", "city": "town", "confidence": "score"}  # fmt: skip
_TICKET_SCHEMA = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string"},
        "category": {"type": "string", "enum": list(_CATEGORIES)},
        "priority": {"type": "string", "enum": list(_PRIORITIES)},
        "refundable": {"type": "boolean"},
        "confidence": {"type": "number"},
        "summary": {"type": "string"},
    },
    "required": ["order_id", "category", "priority", "summary"],
}
_TOOLS: list[Value] = [
    {
        "name": "find_order",
        "description": "Look an order up.",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}, "with_items": {"type": "boolean", "default": False}},
            "required": ["order_id"],
        },
    },
    {
        "name": "refund",
        "description": "Pay money back.",
        "parameters": {
            "type": "object",
            "properties": {
                "order_id": {"type": "string"},
                "amount": {"type": "number"},
                "currency": {"type": "string", "default": "EUR"},
            },
            "required": ["order_id", "amount"],
        },
    },
    {
        "name": "search_products",
        "description": "Search the shop.",
        "parameters": {
            "type": "object",
            "properties": {
                "query": {"type": "string"},
                "limit": {"type": "integer", "default": 10},
                "filters": {
                    "type": "object",
                    "properties": {"city": {"type": "string"}, "max_price": {"type": "number"}},
                },
            },
            "required": ["query"],
        },
    },
]


def json_answer(rng: Random) -> tuple[Request, Value]:
    """A request that wants a ticket as JSON, by schema, by `json_object` or by prompt alone; and a ticket."""
    ticket: Value = {
        "order_id": f"A-{rng.randint(10_000, 99_999)}",
        "category": rng.choice(_CATEGORIES),
        "priority": rng.choice(_PRIORITIES),
        "refundable": rng.random() < 0.5,
        "confidence": round(rng.uniform(0.5, 0.99), 2),
        "summary": rng.choice(_SUMMARIES),
    }
    by_schema = rng.random() < 0.4
    if not by_schema:
        ticket["customer"] = {"name": f"Customer {rng.randint(1, 99)}", "city": rng.choice(_CITIES)}
        ticket["items"] = [
            {"name": name, "quantity": rng.randint(1, 4), "price": round(rng.uniform(3, 90), 2)}
            for name in rng.sample(_PRODUCTS, rng.randint(1, 3))
        ]
    prompt = (
        f"Turn the message into a ticket as JSON. category is one of: {', '.join(_CATEGORIES)}; "
        f"priority is one of: {', '.join(_PRIORITIES)}."
    )
    body: Value = {"messages": [{"role": "system", "content": prompt}, {"role": "user", "content": ticket["summary"]}]}
    if by_schema:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "ticket", "schema": _TICKET_SCHEMA}}
    elif rng.random() < 0.5:
        body["response_format"] = {"type": "json_object"}
    return Request(body), ticket


def tool_answer(rng: Random) -> tuple[Request, list[ToolCall], bool]:
    """A request that offers tools, one to three calls of them, and whether the prompt wants them written as text."""
    order = f"A-{rng.randint(10_000, 99_999)}"
    calls = rng.sample(
        [
            ToolCall("find_order", {"order_id": order, "with_items": True}),
            ToolCall("refund", {"order_id": order, "amount": rng.randint(5, 90)}),
            ToolCall(
                "search_products",
                {"query": rng.choice(_PRODUCTS), "filters": {"city": rng.choice(_CITIES), "max_price": 50}},
            ),
        ],
        rng.randint(1, 3),
    )
    messages = [{"role": "user", "content": f"Order {order}: {rng.choice(_SUMMARIES)}"}]
    if rng.random() < 0.5:
        tools = [{"type": "function", "function": tool} for tool in _TOOLS]
        return Request({"messages": messages, "tools": tools}), calls, False
    system = {"role": "system", "content": f"Answer with a list of calls to these functions: {json.dumps(_TOOLS)}"}
    return Request({"messages": [system, *messages]}), calls, True


def as_json(calls: list[ToolCall]) -> str:
    """The calls as a JSON list in a fence."""
    listed = json.dumps([{"name": call.name, "arguments": call.arguments} for call in calls])
    return f"```json\n{listed}\n```"


def as_python(calls: list[ToolCall]) -> str:
    """The calls as a list of Python-like calls."""
    listed = (f"{c.name}({', '.join(f'{key}={value!r}' for key, value in c.arguments.items())})" for c in calls)
    return f"[{', '.join(listed)}]"


def key_renamed(value: Value, rng: Random) -> Value | None:
    """One key, at any depth, gets another spelling or a synonym; the value stays."""
    holder = rng.choice(list(_objects(value)))
    key = rng.choice(list(holder))
    other = rng.choice([_camel(key), key.upper(), _SYNONYM_KEYS.get(key, f"{key}_value")])
    renamed = {(other if name == key else name): member for name, member in holder.items()}
    if list(renamed) == list(holder):
        renamed = {(f"the_{key}" if name == key else name): member for name, member in holder.items()}
    holder.clear()
    holder.update(renamed)
    return value


def type_changed(value: Value, rng: Random) -> Value | None:
    """One value keeps what it says and changes its JSON type."""
    holder = rng.choice(list(_objects(value)))
    key = rng.choice(list(holder))
    member = holder[key]
    if isinstance(member, bool):
        holder[key] = rng.choice(("yes" if member else "no", str(member).lower(), int(member)))
    elif isinstance(member, int | float):
        holder[key] = rng.choice((str(member), [member]))
    elif isinstance(member, str):
        holder[key] = rng.choice(([member], {"value": member}, None))
    elif isinstance(member, dict):
        holder[key] = json.dumps(member)
    else:
        holder[key] = member[0] if rng.random() < 0.5 else json.dumps(member)
    return value


def enum_changed(value: Value, rng: Random) -> Value | None:
    """A value of a closed set becomes another one of it, or one nobody knows."""
    key, known = rng.choice((("priority", _PRIORITIES), ("category", _CATEGORIES)))
    others = [one for one in known if one != value[key]]
    value[key] = rng.choice([*others, f"{value[key]}_other", "URGENT" if key == "priority" else "miscellaneous"])
    return value


def keys_reordered(value: Value, rng: Random) -> Value | None:
    """The same members in another order, at every depth."""
    for holder in list(_objects(value)):
        before = list(holder.items())
        after = rng.sample(before, len(before))
        if after == before:
            after.reverse()
        holder.clear()
        holder.update(after)
    return value


def json_white_space(value: Value, rng: Random) -> str:
    """The same JSON with other white space."""
    dense = json.dumps(value, separators=(",", ":"))
    return rng.choice((json.dumps(value, indent=2), dense, f"{json.dumps(value)}\n"))


def json_leading_white_space(value: Value, rng: Random) -> str:
    """The same JSON after a space or an empty line."""
    return rng.choice((" ", "\n", "\n\n")) + json.dumps(value)


def number_form(value: Value, rng: Random) -> str:
    """The same numbers, written 2.0 for 2 or 0.50 for 0.5."""
    text = json.dumps(value)
    if rng.random() < 0.5:
        return re.sub(r"(?<=: )(\d+)(?=[,}])", r"\1.0", text)
    return re.sub(r"(: \d+\.\d)(?=[,}])", r"\g<1>0", text)


def argument_changed(calls: list[ToolCall], rng: Random) -> list[ToolCall]:
    """One argument of one call gets another value."""
    place = rng.randrange(len(calls))
    arguments = json.loads(json.dumps(calls[place].arguments))
    holder = rng.choice(list(_objects(arguments)))
    key = rng.choice([name for name in holder if not isinstance(holder[name], dict)])
    member = holder[key]
    holder[key] = (not member) if isinstance(member, bool) else member + 1 if isinstance(member, int) else f"{member}7"
    return [ToolCall(call.name, arguments if at == place else call.arguments) for at, call in enumerate(calls)]


def call_dropped(calls: list[ToolCall], rng: Random) -> list[ToolCall]:
    """One call is missing."""
    place = rng.randrange(len(calls))
    return [call for at, call in enumerate(calls) if at != place]


def calls_rewritten(calls: list[ToolCall], rng: Random) -> list[ToolCall]:
    """Other order of calls and arguments, a default value spelled out, 5.0 for 5, white space around a string."""
    changed = []
    for call in rng.sample(calls, len(calls)):
        arguments = dict(reversed(list(call.arguments.items())))
        if call.name == "refund":
            arguments |= {"amount": float(arguments["amount"]), "currency": "EUR"}
        if call.name == "search_products":
            arguments |= {"limit": 10, "query": f"{arguments['query']} "}
        changed.append(ToolCall(call.name, arguments))
    return changed


JSON_HARMFUL: dict[str, Callable[[Value, Random], Value | None]] = {
    "key renamed": key_renamed,
    "type changed": type_changed,
    "enum changed": enum_changed,
}


def _objects(value: Any) -> Any:
    if isinstance(value, dict):
        if value:
            yield value
        for member in list(value.values()):
            yield from _objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member)


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest) if rest else f"{first.capitalize()}"
