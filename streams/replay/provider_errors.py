"""What an error response means: a refusal of this request, with a reason code, or no access or money at all.

OpenAI's error object is `{"error": {"message", "type", "param", "code"}}`; Anthropic's is the same with only type and
message, and names the parameter in the message. Compatible servers do one or the other.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

UNAUTHORIZED, PAYMENT_REQUIRED, FORBIDDEN = 401, 402, 403
_NO_ACCESS = frozenset({UNAUTHORIZED, PAYMENT_REQUIRED, FORBIDDEN})
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error"})
_NO_CREDIT = re.compile(r"\bcredit balance is too low\b", re.IGNORECASE)  # Anthropic says it with status 400
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})(?:[.\[][\w.\[\]-]{0,100})?")  # a path; a text of somebody has spaces
_LEADING = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})(?:\.[\w.\-]+)?: ")
_QUOTED = re.compile(r"[`'\"]([A-Za-z_][A-Za-z0-9_]{0,63})[`'\"]")


def pause_reason(status: int, body: Any) -> str | None:
    """Why nobody should be asked until a person has mended it, None where this is not so."""
    error = error_object(body)
    for said in (error.get("code"), error.get("type")):
        if isinstance(said, str) and said in _NO_MONEY:
            return said
    message = error.get("message")
    if isinstance(message, str) and _NO_CREDIT.search(message):
        return "insufficient_quota"
    return f"http_{status}" if status in _NO_ACCESS else None


def refusal(status: int, body: Any, asked: Collection[str]) -> str:
    """Reason code of a refused request: `rejected:` and the parameter where one is named, else `http_` and the status.

    `asked` are the parameters that were sent: a message that happens to mention another word names none.
    """
    error = error_object(body)
    named = error.get("param")
    found = _NAME.fullmatch(named) if isinstance(named, str) else None
    if found:
        return f"rejected:{found[1]}"
    message = error.get("message")
    if isinstance(message, str):
        leading = _LEADING.match(message)
        quoted = (word for word in _QUOTED.findall(message) if word != "model")
        for name in (*leading.groups(), *quoted) if leading else quoted:
            if name in asked:
                return f"rejected:{name}"
    return f"http_{status}"


def error_object(body: Any) -> Mapping[str, Any]:
    """The error of a response body, empty where there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}
