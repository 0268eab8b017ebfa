"""The request that is sent for an arm: what production asked, with the candidate's changes.

Order (design, "Payload"): strip → drop → set → system prompt. Tools stay declared and are never executed.
"""

from collections.abc import Mapping
from typing import Any

STRIPPED = ("store", "user", "metadata", "stream", "stream_options", "service_tier", "prompt_cache_key")


def request_for(
    body: Mapping[str, Any],
    model: str,
    *,
    drop: tuple[str, ...] = (),
    changes: Mapping[str, Any] | None = None,
    system_prompt: str | None = None,
) -> dict[str, Any]:
    """The chat body to send to `model`."""
    sent = {key: value for key, value in body.items() if key not in STRIPPED and key not in drop}
    sent["model"] = model
    sent.update(changes or {})
    if system_prompt is not None:
        messages = [m for m in sent.get("messages", ()) if not _is_system(m)]
        sent["messages"] = [{"role": "system", "content": system_prompt}, *messages]
    return sent


def _is_system(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("role") in ("system", "developer")
