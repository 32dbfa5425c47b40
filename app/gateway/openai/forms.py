"""What an answer looks like: free, JSON, or a call of a tool; as a grammar, and back.

A model that knows nothing of tools is told of them in words, and its grammar lets it answer freely
or with one JSON object that names a function and its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.conversation import ChatMessage, Conversation, Speaker
from app.gateway.errors import BadRequestError
from app.gateway.openai.schema import ChatBody, MessageBody, ToolBody
from app.models.formats.grammar import json_grammar, json_rule
from app.words.sentences.gateway import TOOLS_OFFERED

_FREE_OR_CALL: Final = "start: free | call\nfree: /[^{](.|\\n)*/\ncall: "
_SCHEMA: Final = "response_format.json_schema"


@dataclass(frozen=True)
class ToolUse:
    """A function that an answer calls, and its arguments as JSON."""

    name: str
    arguments: str


def grammar_of(body: ChatBody) -> str:
    """Return what the answer keeps to; empty where it is free. Raises `BadRequestError`."""
    if tools := offered(body):
        calls = {"anyOf": [_call_of(tool) for tool in tools]}
        free = body.tool_choice == "auto"
        return _FREE_OR_CALL + json_rule(calls) if free else json_grammar(calls)
    wanted = body.response_format
    match wanted.type:
        case "text":
            return ""
        case "json_object":
            return json_grammar({"type": "object"})
        case "json_schema" if wanted.json_schema is not None:
            return json_grammar(wanted.json_schema.content)
        case _:
            raise BadRequestError("gateway.missing_parameter", parameter=_SCHEMA, name=_SCHEMA)


def offered(body: ChatBody) -> Sequence[ToolBody]:
    """Return the tools that the answer may call. Raises `BadRequestError` for an unknown one."""
    match body.tool_choice:
        case "none":
            return ()
        case "auto" | "required":
            return body.tools
        case chosen:
            name = chosen.function.name
            found = [tool for tool in body.tools if tool.function.name == name]
            if not found:
                raise BadRequestError("gateway.unknown_tool", parameter="tool_choice", name=name)
            return found


def said_with_tools(said: Conversation, tools: Sequence[ToolBody]) -> Conversation:
    """Return a conversation whose beginning tells of the tools."""
    if not tools:
        return said
    told = [tool.function.model_dump(exclude_defaults=True) for tool in tools]
    words = "\n".join((TOOLS_OFFERED, *(json.dumps(each, ensure_ascii=False) for each in told)))
    if said and said[0].speaker is Speaker.SYSTEM:
        return (ChatMessage(Speaker.SYSTEM, f"{said[0].text}\n\n{words}"), *said[1:])
    return (ChatMessage(Speaker.SYSTEM, words), *said)


def text_of(message: MessageBody) -> str:
    """Return what a message says, a call of a tool as the model wrote it."""
    calls = [_written(call.function.name, call.function.arguments) for call in message.tool_calls]
    return "\n".join([*([message.text] if message.text else []), *calls])


def tool_use(text: str, names: Sequence[str]) -> ToolUse | None:
    """Return the call that an answer is; None where it is words."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    match found:
        case {"name": str(name), "arguments": dict(given)} if name in names and len(found) == 2:
            return ToolUse(name, json.dumps(given, ensure_ascii=False))
        case _:
            return None


def _call_of(tool: ToolBody) -> dict[str, Any]:
    parameters = tool.function.parameters or {"type": "object"}
    return {
        "type": "object",
        "properties": {"name": {"const": tool.function.name}, "arguments": parameters},
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def _written(name: str, arguments: str) -> str:
    """Return a call; arguments that are no JSON stay as the client wrote them."""
    return "".join(('{"name": ', json.dumps(name), ', "arguments": ', arguments, "}"))
