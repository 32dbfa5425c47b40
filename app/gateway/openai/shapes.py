"""Answers in the shapes of OpenAI's two interfaces for texts, whole and in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import uuid4

from app.gateway.answers.answer import Answer
from app.gateway.openai.forms import ToolUse, tool_use
from app.rack.events.request_events import TokenAdded
from app.rack.requests.shown_text import BROKEN_CHARACTER

_CALLED: Final = "tool_calls"
Fields = dict[str, Any]


class Shape(Protocol):
    """What differs between the interfaces."""

    @property
    def prefix(self) -> str:
        """What identifiers of answers begin with."""
        ...

    @property
    def whole_object(self) -> str:
        """What an answer in one piece is called."""
        ...

    @property
    def chunk_object(self) -> str:
        """What a part of a stream is called."""
        ...

    def whole(self, answer: Answer) -> Fields:
        """Return a choice with all of its text."""
        ...

    def opening(self, index: int) -> Fields | None:
        """Return the chunk's choice that comes before any text, where there is one."""
        ...

    def delta(self, index: int, tokens: Sequence[TokenAdded], offset: int) -> Fields:
        """Return the chunk's choice that adds tokens; `offset` is the characters before them."""
        ...

    def closing(self, answer: Answer) -> Fields:
        """Return the chunk's choice that says why the text ended."""
        ...


@dataclass(frozen=True)
class ChatShape:
    """`chat.completion`, with log-probabilities where they were asked for."""

    logprobs: bool
    prefix: str = "chatcmpl-"
    whole_object: str = "chat.completion"
    chunk_object: str = "chat.completion.chunk"

    def whole(self, answer: Answer) -> Fields:
        """Return a choice with its message."""
        return {
            "index": answer.index,
            "message": {"role": "assistant", "content": answer.text, "refusal": None},
            "logprobs": self._logprobs(answer.tokens),
            "finish_reason": answer.finish_reason,
        }

    def opening(self, index: int) -> Fields | None:
        """Return who speaks."""
        return self._choice(index, {"role": "assistant", "content": ""})

    def delta(self, index: int, tokens: Sequence[TokenAdded], offset: int) -> Fields:
        """Return the text that tokens add."""
        del offset
        text = "".join(token.text for token in tokens)
        return {**self._choice(index, {"content": text}), "logprobs": self._logprobs(tokens)}

    def closing(self, answer: Answer) -> Fields:
        """Return the end."""
        return {**self._choice(answer.index, {}), "finish_reason": answer.finish_reason}

    def _choice(self, index: int, delta: Fields) -> Fields:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}

    def _logprobs(self, tokens: Sequence[TokenAdded]) -> Fields | None:
        if not self.logprobs:
            return None
        return {"content": [_told(token) for token in tokens], "refusal": None}


@dataclass(frozen=True)
class ToolShape(ChatShape):
    """A chat whose answer may be a call of one of these functions; it comes in one piece."""

    functions: tuple[str, ...] = ()

    def whole(self, answer: Answer) -> Fields:
        """Return a choice with its message, or with the call that it is."""
        use = tool_use(answer.text, self.functions)
        choice = super().whole(answer)
        if use is None:
            return choice
        calls = [_called(use, answer.request)]
        message = {"role": "assistant", "content": None, "refusal": None, "tool_calls": calls}
        return {**choice, "message": message, "finish_reason": _CALLED}

    def delta(self, index: int, tokens: Sequence[TokenAdded], offset: int) -> Fields:
        """Return the text that tokens add, or the call that they are."""
        use = tool_use("".join(token.text for token in tokens), self.functions)
        if use is None:
            return super().delta(index, tokens, offset)
        call = {"index": 0, **_called(use, uuid4().hex[:12])}
        return self._choice(index, {"tool_calls": [call]})

    def closing(self, answer: Answer) -> Fields:
        """Return the end."""
        closing = super().closing(answer)
        called = tool_use(answer.text, self.functions) is not None
        return {**closing, "finish_reason": _CALLED} if called else closing


def _called(use: ToolUse, name: str) -> Fields:
    function = {"name": use.name, "arguments": use.arguments}
    return {"id": f"call_{name}", "type": "function", "function": function}


@dataclass(frozen=True)
class CompletionShape:
    """`text_completion`."""

    logprobs: bool
    prefix: str = "cmpl-"
    whole_object: str = "text_completion"
    chunk_object: str = "text_completion"

    def whole(self, answer: Answer) -> Fields:
        """Return a choice with its text."""
        return {
            **self.delta(answer.index, answer.tokens, 0),
            "finish_reason": answer.finish_reason,
        }

    def opening(self, index: int) -> Fields | None:
        """Return nothing: the first text says it all."""
        del index
        return None

    def delta(self, index: int, tokens: Sequence[TokenAdded], offset: int) -> Fields:
        """Return the text that tokens add."""
        return {
            "index": index,
            "text": "".join(token.text for token in tokens),
            "logprobs": self._logprobs(tokens, offset) if self.logprobs else None,
            "finish_reason": None,
        }

    def closing(self, answer: Answer) -> Fields:
        """Return the end."""
        return {**self.delta(answer.index, (), 0), "finish_reason": answer.finish_reason}

    def _logprobs(self, tokens: Sequence[TokenAdded], offset: int) -> Fields:
        offsets = []
        for token in tokens:
            offsets.append(offset)
            offset += len(token.text)
        return {
            "tokens": [token.token_text for token in tokens],
            "token_logprobs": [token.log_probability for token in tokens],
            "top_logprobs": [
                {each.text: each.log_probability for each in token.alternatives} for token in tokens
            ],
            "text_offset": offsets,
        }


def _told(token: TokenAdded) -> Fields:
    alternatives = [_likely(each.text, each.log_probability) for each in token.alternatives]
    return {**_likely(token.token_text, token.log_probability), "top_logprobs": alternatives}


def _likely(text: str, log_probability: float) -> Fields:
    """Return a token; its bytes are not known where it is a part of a character."""
    known = None if BROKEN_CHARACTER in text else list(text.encode())
    return {"token": text, "bytes": known, "logprob": log_probability}
