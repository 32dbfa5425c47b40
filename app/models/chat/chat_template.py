"""A checkpoint's own chat template: from a conversation to the text the model was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from app.core.conversation import ChatMessage, Conversation
from app.core.errors import BadInputError, reason_of
from app.models.chat.rendering.bounds import USUAL_BOUNDS, Bounds
from app.models.chat.rendering.process import render


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template and the special tokens it may name, such as `bos_token`."""

    source: str
    special_tokens: Mapping[str, str]

    def render(
        self,
        conversation: Conversation,
        bounds: Bounds = USUAL_BOUNDS,
        *,
        in_parts: bool = False,
    ) -> str:
        """Return the text up to where the assistant's answer begins.

        With `in_parts` each message is told as a list of pictures and a text, as templates of
        models that see want it.

        Special tokens are part of it: it is to be encoded without adding any. Raises
        `BadInputError` with the template's own words where it refuses the conversation, and where
        it goes beyond the bounds.
        """
        return render(self.source, self.names(conversation, in_parts=in_parts), bounds)

    def names(self, conversation: Conversation, *, in_parts: bool = False) -> Mapping[str, object]:
        """Return all that the template is told."""
        messages = [
            {"role": each.speaker.value, "content": _parts(each) if in_parts else each.text}
            for each in conversation
        ]
        return {
            **self.special_tokens,
            "messages": messages,
            "tools": None,
            "documents": None,
            "add_generation_prompt": True,
        }

    def to_json(self) -> bytes:
        """Return the template as it is stored with a model."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> ChatTemplate:
        """Read what `to_json` wrote. Raises `BadInputError` for anything else."""
        try:
            fields = json.loads(content)
            return cls(str(fields["source"]), dict(fields["special_tokens"]))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInputError("chat_template.damaged", reason=reason_of(error)) from error


def _parts(message: ChatMessage) -> list[dict[str, str]]:
    pictures = [{"type": "image"} for _ in message.pictures]
    return [*pictures, {"type": "text", "text": message.text}]
