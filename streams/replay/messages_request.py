"""A chat body as a request to Anthropic's messages API ("Messages" in its API reference).

Nothing is left out in silence: what this format has no place for makes the request `rejected:<parameter>`, or
`unconvertible:<what>` where it is part of the conversation, as if the provider had said so. A candidate whose
`drop` names the parameter is then asked without it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas import json_text
from streams.replay.chat_api import Unconvertible

DEFAULT_MAX_TOKENS = 4096  # required there, optional here; the most that every model takes
_NATIVE = frozenset({
    "temperature", "top_p", "top_k", "stop_sequences", "thinking", "output_config", "stream",
})  # fmt: skip
_READ = frozenset({
    "model", "messages", "max_tokens", "max_completion_tokens", "stop", "tools", "tool_choice", "parallel_tool_calls",
    "response_format",
})  # fmt: skip
_SAYS_NOTHING: Mapping[str, tuple[Any, ...]] = {  # values that ask for what would happen anyway
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "modalities": (["text"],),
}
_TOOL_CHOICES = {"auto": "auto", "none": "none", "required": "any"}


def messages_request(chat: Mapping[str, Any]) -> dict[str, Any]:
    """The body for `POST /messages`.

    Raises:
        Unconvertible: this format has no place for something that was asked.
    """
    try:
        return _converted(chat)
    except Unconvertible:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as odd:  # what comes from a log may have any shape
        raise Unconvertible("unconvertible:malformed") from odd


def texts_of(blocks: Any) -> Iterator[str]:
    """The texts of content blocks, in order."""
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Mapping) and block.get("type") == "text" and isinstance(block.get("text"), str):
            yield block["text"]


def _converted(chat: Mapping[str, Any]) -> dict[str, Any]:
    chat = {key: value for key, value in chat.items() if value is not None}
    sent: dict[str, Any] = {key: value for key, value in chat.items() if key in _NATIVE}
    for key in sorted(chat.keys() - _NATIVE - _READ):
        if chat[key] not in _SAYS_NOTHING.get(key, ()):
            raise Unconvertible(f"rejected:{key}")
    system, messages = _conversation(chat["messages"])
    sent |= {"model": chat["model"], "messages": messages}
    sent["max_tokens"] = chat.get("max_completion_tokens", chat.get("max_tokens", DEFAULT_MAX_TOKENS))
    if system:
        sent["system"] = system
    if chat.get("stop"):
        sent["stop_sequences"] = [chat["stop"]] if isinstance(chat["stop"], str) else chat["stop"]
    if chat.get("tools"):
        sent["tools"] = [_tool(tool) for tool in chat["tools"]]
        choice = _tool_choice(chat)
        if choice is not None:
            sent["tool_choice"] = choice
    _add_format(sent, chat.get("response_format", {}))
    return sent


def _conversation(messages: Any) -> tuple[Any, list[dict[str, Any]]]:
    """System prompt and turns. The system prompt must come first; turns of one role in a row become one."""
    system: list[dict[str, Any]] = []
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            if turns:
                raise Unconvertible("unconvertible:late_system_message")
            system += _blocks(message.get("content"))
            continue
        role, blocks = _turn(role, message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise Unconvertible("unconvertible:no_user_message")
    return _short(system), [{**turn, "content": _short(turn["content"])} for turn in turns]


def _turn(role: Any, message: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    if message.get("name") and role != "tool":
        raise Unconvertible("unconvertible:message_name")
    if role == "user":
        return "user", _blocks(message.get("content"))
    if role == "tool":
        content = _short(_blocks(message.get("content")))
        return "user", [{"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": content}]
    if role == "assistant":
        for key in ("function_call", "audio"):
            if message.get(key):
                raise Unconvertible(f"unconvertible:{key}")
        said = message.get("content") or message.get("refusal")
        return "assistant", [*(_blocks(said) if said else ()), *map(_tool_use, message.get("tool_calls") or ())]
    raise Unconvertible("unconvertible:message_role")


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise Unconvertible("unconvertible:message_content")
    return [_block(part) for part in content]


def _block(part: Any) -> dict[str, Any]:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in ("text", "refusal"):
        kept = {"cache_control": part["cache_control"]} if "cache_control" in part else {}
        return {"type": "text", "text": part.get(kind), **kept}
    url = (part.get("image_url") or {}).get("url") if kind == "image_url" else None
    if not isinstance(url, str):
        raise Unconvertible(f"unconvertible:{kind if kind in ('input_audio', 'file') else 'message_part'}")
    head, comma, data = url.partition(";base64,")
    if comma and head.startswith("data:"):
        source = {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}
    else:
        source = {"type": "url", "url": url}
    return {"type": "image", "source": source}


def _short(blocks: list[dict[str, Any]]) -> Any:
    """One plain text stands for itself."""
    is_plain = len(blocks) == 1 and blocks[0].keys() == {"type", "text"}
    return blocks[0]["text"] if is_plain else blocks


def _tool_use(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function") or {}
    arguments = function.get("arguments")
    try:
        given = json_text.loads(arguments) if isinstance(arguments, str) and arguments.strip() else arguments or {}
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Unconvertible("unconvertible:tool_arguments")
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": given}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type", "function") != "function":
        raise Unconvertible("rejected:tools")
    function = tool.get("function") or {}
    kept = {key: function[key] for key in ("name", "description", "strict") if function.get(key)}
    return {**kept, "input_schema": function.get("parameters") or {"type": "object", "properties": {}}}


def _tool_choice(chat: Mapping[str, Any]) -> dict[str, Any] | None:
    choice = chat.get("tool_choice")
    is_one_at_a_time = chat.get("parallel_tool_calls") is False
    if choice is None and not is_one_at_a_time:
        return None
    if isinstance(choice, Mapping) and choice.get("type") == "function":
        made: dict[str, Any] = {"type": "tool", "name": (choice.get("function") or {}).get("name")}
    elif choice is None or choice in _TOOL_CHOICES:
        made = {"type": _TOOL_CHOICES[choice or "auto"]}
    else:
        raise Unconvertible("rejected:tool_choice")
    return {**made, "disable_parallel_tool_use": True} if is_one_at_a_time and made["type"] != "none" else made


def _add_format(sent: dict[str, Any], response_format: Mapping[str, Any]) -> None:
    kind = response_format.get("type", "text")
    if kind == "text":
        return
    schema = (response_format.get("json_schema") or {}).get("schema") if kind == "json_schema" else None
    if schema is None:
        raise Unconvertible("rejected:response_format")
    sent["output_config"] = {**sent.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
