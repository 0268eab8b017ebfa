"""Credentials are dropped where traffic enters, so that nothing after decoding can leak them.

Headers and keys of bodies go by their name. Two places are left alone: what people wrote in messages is their text,
and where a JSON Schema declares properties, a tool's parameter called `password` is a declaration, not a password.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from streams.tap.undecodable import Undecodable

MAX_DEPTH = 100  # of a record's JSON: what is deeper breaks serialisers further on

_NAME = re.compile(
    r"(^|[-_. ])((x[-_])?auth|authorization|authentication|bearer|cookies?|passwords?|passwd|credentials?|signature"
    r"|secrets?|((secret|subscription|private|access)[-_]|api[-_]?)keys?|access[-_]key[-_]id|client[-_]cert"
    r"|((auth|access|refresh|id|bearer|session|security|csrf|xsrf)[-_]?|^(x[-_])?)token)$",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DECLARATIONS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Whether a header or key is named like a credential.

    >>> [is_credential(name) for name in ("Authorization", "x-api-key", "apiKey", "max_tokens", "x-request-id")]
    [True, True, True, False, False]
    """
    return _NAME.search(_CAMEL.sub("_", name)) is not None


def clean_headers(headers: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Headers by lower-case name, without credentials; the last of a name wins, what is no text is left out."""
    kept = {}
    for name, value in headers:
        text = _header_text(value)
        if isinstance(name, str) and text is not None and not is_credential(name):
            kept[name.lower()] = text
    return kept


def clean(value: Any, depth: int = 0, *, declares: bool = False) -> Any:
    """A copy of parsed JSON without credentials; `declares` says that its keys are names a JSON Schema declares.

    Raises:
        Undecodable: nested deeper than `MAX_DEPTH`.
    """
    if depth > MAX_DEPTH:
        raise Undecodable("too_deep")
    if isinstance(value, list):
        return [clean(inner, depth + 1) if isinstance(inner, dict | list) else inner for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        if is_credential(name) and not (declares and isinstance(inner, dict)):
            continue
        if name == "messages":
            check_depth(inner, depth + 1)
            kept[name] = inner
        elif isinstance(inner, dict | list):
            kept[name] = clean(inner, depth + 1, declares=name in _DECLARATIONS)
        else:
            kept[name] = inner
    return kept


def check_depth(value: Any, depth: int = 0) -> None:
    """Refuse what is nested deeper than `MAX_DEPTH`.

    Raises:
        Undecodable: it is.
    """
    if depth > MAX_DEPTH:
        raise Undecodable("too_deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(inner, dict | list):
            check_depth(inner, depth + 1)


def _header_text(value: Any) -> str | None:
    if isinstance(value, list) and value:  # Go and Envoy write headers as lists
        value = value[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping) or value is None or isinstance(value, list):
        return None
    return str(value)
