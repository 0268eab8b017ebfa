"""Credentials are dropped where traffic enters, so that nothing after decoding can leak them.

Headers and keys of bodies go by their name, also where headers are a list of pairs or of objects with name and value;
other texts go when they are a key of a known shape and nothing else. Two places are left alone: what people wrote in
messages is their text, and where a JSON Schema declares properties, a tool's parameter called `password` is a
declaration, not a password.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from streams.redaction.key_shapes import is_secret
from streams.tap.undecodable import Undecodable

MAX_DEPTH = 100  # of a record's JSON: what is deeper breaks serialisers further on

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
_NAMES = {
    kind: frozenset(words)
    for kind, words in tomllib.loads(Path(__file__).with_name("credential_names.toml").read_text("utf-8")).items()
}
_DECLARATIONS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_SHORTEST_KEY, _LONGEST_KEY = 16, 8192  # characters


@lru_cache(maxsize=4096)
def is_credential(name: str) -> bool:
    """Whether a header or key is named like a credential.

    >>> [is_credential(name) for name in ("Authorization", "x-api-key", "apiKey", "max_tokens", "x-request-id")]
    [True, True, True, False, False]
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and words[-1] in _NAMES["remarks"]:
        words.pop()
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last == "token":
        return before not in _NAMES["tokens_of"]
    if last in ("key", "keys"):
        return before in _NAMES["keys_of"]
    return last in _NAMES["last"] or words == ["pass"] or words[-2:] in (["client", "cert"], ["connection", "string"])


def clean_headers(headers: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Headers by lower-case name, without credentials; the last of a name wins, what is no text is left out."""
    kept = {}
    for name, value in headers:
        text = _header_text(value)
        if isinstance(name, str) and text is not None and not is_credential(name) and not _is_key(text):
            kept[name.lower()] = text
    return kept


def clean(value: Any, depth: int = 0, *, declares: bool = False) -> Any:
    """A copy of parsed JSON without credentials; `declares` says that its keys are names a JSON Schema declares.

    Raises:
        Undecodable: nested deeper than `MAX_DEPTH`.
    """
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH:
        raise Undecodable("too_deep")
    if isinstance(value, list):
        return [clean(inner, depth + 1) for inner in value if not _is_key(inner)]
    kept = {}
    for name, inner in value.items():
        if _is_dropped(name, inner, value, declares=declares):
            continue
        if name == "messages":
            check_depth(inner, depth + 1)
            kept[name] = inner
        elif isinstance(inner, list) and name.lower().endswith("headers"):
            kept[name] = [clean(pair, depth + 1) for pair in inner if not _is_credential_pair(pair)]
        else:
            kept[name] = clean(inner, depth + 1, declares=name in _DECLARATIONS)
    return kept


def _is_dropped(name: str, inner: Any, beside: Mapping[str, Any], *, declares: bool) -> bool:
    if declares and isinstance(inner, dict):
        return False
    if name == "value":  # of {"name": "Authorization", "value": "…"}
        said = beside.get("name", beside.get("key"))
        name = said if isinstance(said, str) else name
    return is_credential(name) or _is_key(inner)


def may_be_deep(text: bytes | None) -> bool:
    """Whether JSON has brackets enough to be nested deeper than `MAX_DEPTH`; few texts have, and looking is quick."""
    return text is not None and text.count(b"{") + text.count(b"[") > MAX_DEPTH


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


def _is_credential_pair(pair: Any) -> bool:
    """Whether this is `["Authorization", "…"]`, or one such header as a text."""
    name = pair[0] if isinstance(pair, list) and pair else pair.partition(":")[0] if isinstance(pair, str) else None
    return isinstance(name, str) and is_credential(name)


def _is_key(value: Any) -> bool:
    if not isinstance(value, str) or not _SHORTEST_KEY <= len(value) <= _LONGEST_KEY:
        return False
    return (value.count(" ") <= 1 or value.startswith("-----BEGIN")) and is_secret(value)


def _header_text(value: Any) -> str | None:
    if isinstance(value, list) and value:  # Go and Envoy write headers as lists
        value = value[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping) or value is None or isinstance(value, list):
        return None
    return str(value)
