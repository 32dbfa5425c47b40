"""What tools come to: words for the model, a grammar, and calls back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.conversation import Speaker
from app.core.tasks import Chat
from app.gateway.openai.bodies import checked
from app.gateway.openai.forms import ToolUse, tool_use
from app.gateway.openai.schema import ChatBody
from app.gateway.openai.translation import chat_asks

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
USER = {"role": "user", "content": "hello"}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


def asked(**body: Any) -> tuple[Chat, str]:  # noqa: ANN401
    """Return the conversation that a body comes to, and its grammar."""
    (ask,) = chat_asks(checked({"model": "m", "messages": [USER], **body}, ChatBody))
    assert isinstance(ask.task, Chat)
    return ask.task, ask.sampling.grammar


def test_a_model_is_told_of_tools_and_of_what_they_answered() -> None:
    said: list[object] = [
        {"role": "system", "content": "be kind"},
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "seen"},
    ]
    chat, grammar = asked(messages=said, tools=[LOOK])
    system, _, called, answered = chat.conversation
    assert system.text.startswith("be kind\n\n")
    assert '"name": "look"' in system.text
    assert json.loads(called.text) == {"name": "look", "arguments": {}}
    assert (answered.speaker, answered.text) == (Speaker.USER, "seen")
    assert grammar.startswith("start: free | call")


@pytest.mark.parametrize(
    ("body", "begins"),
    [
        ({}, ""),
        ({"tools": [LOOK], "tool_choice": "none"}, ""),
        ({"tools": [LOOK], "tool_choice": "required"}, "start: %json"),
        ({"tools": [LOOK], "tool_choice": LOOK}, "start: %json"),
        ({"response_format": {"type": "json_object"}}, "start: %json"),
    ],
)
def test_what_is_asked_for_is_what_the_grammar_allows(body: dict[str, Any], begins: str) -> None:
    chat, grammar = asked(**body)
    assert grammar.startswith(begins)
    assert bool(grammar) == bool(begins)
    told = chat.conversation[0].speaker is Speaker.SYSTEM
    assert told == (bool(begins) and "tools" in body)


@pytest.mark.parametrize(
    "words",
    ["hello", "{", "[]", '{"name": "nobody", "arguments": {}}', '{"name": "look"}', "[" * 5000],
)
def test_words_are_no_call(words: str) -> None:
    assert tool_use(words, ["look"]) is None


def test_a_call_is_one() -> None:
    text = '{"name": "look", "arguments": {"at": "é"}}'
    assert tool_use(text, ["look"]) == ToolUse("look", '{"at": "é"}')
