"""JSON in and out. orjson, except for lone surrogates, which real traffic holds and orjson refuses."""

import json
from typing import Any

import orjson


def loads(text: bytes | str) -> Any:
    r"""Parse JSON; a lone surrogate (`"\ud800"`) survives as such.

    Raises:
        ValueError: the text is no JSON, or bytes are not UTF-8.
        RecursionError: it is nested beyond about 1,000 levels.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        if "depth limit" in wrong.msg:  # json would find out by running into the interpreter's own limit
            raise RecursionError(wrong.msg) from wrong
        return json.loads(text)  # knows lone surrogates, NaN and Infinity; raises ValueError for the rest


def dumps(value: Any) -> bytes:
    """Serialise; dataclasses, enums and UUIDs as orjson does, lone surrogates as escapes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=_plain).encode()


def canonical(value: Any) -> bytes:
    """Serialise with sorted keys: equal values give equal bytes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, TypeError):
        return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=_plain).encode()


def valid_text(text: str) -> str:
    """The text with lone surrogates replaced, for places that demand valid Unicode (ClickHouse, tokenizers)."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)
