"""The request that is sent for an arm: what production asked, with the candidate's changes.

Order (design, "Payload"): strip → drop → set → system prompt. Tools stay declared and are never executed.
"""

from collections.abc import Mapping
from typing import Any

from streams.tap.credentials import is_credential

STRIPPED = frozenset({
    "store", "metadata", "user", "safety_identifier",  # what the provider would keep, and about whom
    "stream", "stream_options",  # our own need decides (providers.stream)
    "service_tier", "prompt_cache_key", "prompt_cache_retention",  # how production pays
})  # fmt: skip


def request_for(
    body: Mapping[str, Any],
    model: str,
    *,
    drop: tuple[str, ...] = (),
    changes: Mapping[str, Any] | None = None,
    system_prompt: str | None = None,
) -> dict[str, Any]:
    """The chat body to send to `model`."""
    sent = {key: value for key, value in body.items() if not _is_stripped(key) and key not in drop}
    sent["model"] = model
    sent.update(changes or {})
    if system_prompt is not None:
        messages = [m for m in sent.get("messages", ()) if not _is_system(m)]
        sent["messages"] = [{"role": "system", "content": system_prompt}, *messages]
    return sent


def _is_stripped(key: str) -> bool:
    return key in STRIPPED or is_credential(key)  # decoding has dropped those already; no harm in looking twice


def _is_system(message: Any) -> bool:
    return isinstance(message, Mapping) and message.get("role") in ("system", "developer")
