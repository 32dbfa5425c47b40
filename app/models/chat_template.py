"""A checkpoint's own chat template: from a conversation to the text the model was trained on.

Templates come from strangers. They run in Jinja's sandbox, with the names that transformers gives
them (its `apply_chat_template`), and see nothing but the conversation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NoReturn

from jinja2 import TemplateError, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.core.conversation import Conversation
from app.core.errors import BadInputError


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template and the special tokens it may name, such as `bos_token`."""

    source: str
    special_tokens: Mapping[str, str]

    def render(self, conversation: Conversation) -> str:
        """Return the text up to where the assistant's answer begins.

        Special tokens are part of it: it is to be encoded without adding any. Raises
        `BadInputError` with the template's own words where it refuses the conversation.
        """
        messages = [
            {"role": message.speaker.value, "content": message.text} for message in conversation
        ]
        try:
            return (
                _environment()
                .from_string(self.source)
                .render(
                    messages=messages,
                    tools=None,
                    documents=None,
                    add_generation_prompt=True,
                    **self.special_tokens,
                )
            )
        except Exception as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            message = f"The model's chat template refuses this conversation: {line}"
            raise BadInputError(message.rstrip(".") + ".") from error

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
            raise BadInputError(f"A stored chat template is damaged: {error}.") from error


class _Generation(Extension):
    """Lets `{% generation %}` pass, which marks the assistant's words for training."""

    tags = {"generation"}  # noqa: RUF012 - the type that the base class has

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Return what is between the tags."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = _now
    return environment


def _to_json(
    value: object,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 - a filter's arguments
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002 - a filter's arguments
) -> str:
    """Write JSON as it is; Jinja's own filter escapes it for web pages."""
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
