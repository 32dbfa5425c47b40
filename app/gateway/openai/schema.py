"""The bodies that OpenAI's interface takes, as far as a rack can do what they ask for.

What is not here is refused by its name: a parameter that is ignored in silence is a wrong answer.
Fields that say nothing of the answer (`IGNORED`) are dropped, and so is what is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from app.gateway.errors import BadRequestError
from app.gateway.openai.pictures import MOST_ADDRESS_CHARACTERS
from workers.protocol.bounds import MAXIMUM_VOCABULARY
from workers.protocol.sampling_rule import (
    LARGEST_BIAS,
    LARGEST_REPETITION,
    MAXIMUM_ALTERNATIVES,
    MAXIMUM_BIASES,
    MAXIMUM_TEMPERATURE,
)

MOST_MESSAGES: Final = 2048
MOST_PARTS: Final = 1024
MOST_STOPS: Final = 16
MOST_ANSWERS: Final = 16
"""Of one request: prompts times choices."""
MOST_TEXTS: Final = 256
MOST_TOKENS: Final = 1 << 20
MOST_TOOLS: Final = 128

IGNORED: Final = frozenset(
    {
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""Whose request it is and how it is kept: nothing that the answer depends on."""
UNSUPPORTED: Final[Mapping[str, tuple[object, ...]]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "modalities": (["text"],),
    "prediction": (),
    "reasoning_effort": (),
    "suffix": ("",),
    "verbosity": (),
    "web_search_options": (),
}
"""What no rack can do yet, and the values of it that ask for nothing."""

Text = Annotated[str, Field(max_length=4 << 20)]
TokenIds = Annotated[list[Annotated[StrictInt, Field(ge=0, lt=1 << 31)]], Field(min_length=1)]
LogitBias = Annotated[float, Field(ge=-LARGEST_BIAS, le=LARGEST_BIAS)]
FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Stop = Annotated[str, Field(min_length=1, max_length=1024)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_what_says_nothing(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: each for key, each in value.items() if each is not None}


class StreamOptions(_Body):
    """What a stream tells besides the text."""

    include_usage: StrictBool = False
    include_obfuscation: StrictBool = False
    """Taken and not done: it hides lengths of texts on the network, for which there is TLS."""


class OwnOptions(_Body):
    """What a rack can be asked for and OpenAI's servers cannot."""

    overflow: Literal["refuse", "shorten"] = "refuse"
    """A conversation that the context has no room for is refused, or its oldest turns left out."""
    unsettled: Literal["show", "revise", "hold"] = "show"
    """Text that may still be taken back is shown at once, and taken back by an error that ends the
    stream; or by a chunk that says how much; or it is held until it has settled."""


class _Asking(_Body):
    """What every body for a text has."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    temperature: Annotated[float, Field(ge=0, le=MAXIMUM_TEMPERATURE)] = 1.0
    top_p: Annotated[float, Field(ge=0, le=1)] = 1.0
    top_k: Annotated[StrictInt, Field(ge=-1, le=MAXIMUM_VOCABULARY)] = 0
    """Some send -1 for all."""
    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    logit_bias: Annotated[
        dict[Annotated[str, Field(pattern=r"^[0-9]{1,10}$")], LogitBias],
        Field(max_length=MAXIMUM_BIASES),
    ] = {}
    frequency_penalty: Penalty = 0.0
    presence_penalty: Penalty = 0.0
    repetition_penalty: Annotated[
        float, Field(ge=1 / LARGEST_REPETITION, le=LARGEST_REPETITION)
    ] = 1.0
    """Not OpenAI's own: what vLLM and others take."""
    seed: Annotated[StrictInt, Field(ge=-(1 << 63), lt=1 << 63)] | None = None
    n: Annotated[StrictInt, Field(ge=1, le=MOST_ANSWERS)] = 1
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] = []
    stream: StrictBool = False
    stream_options: StreamOptions = StreamOptions()
    x_shardloom: OwnOptions = OwnOptions()

    @model_validator(mode="before")
    @classmethod
    def _without_what_is_not_done(cls, value: object) -> object:
        return _supported(value) if isinstance(value, dict) else value


class TextPart(_Body):
    """A part of a message that is words."""

    type: Literal["text"]
    text: Text


class PictureAddress(_Body):
    """Where a picture is: in the address itself, as `data:` has it."""

    url: Annotated[str, Field(max_length=MOST_ADDRESS_CHARACTERS)]
    detail: Literal["auto", "low", "high"] = "auto"
    """Taken and not done: a model has one way to take a picture."""


class PicturePart(_Body):
    """A part of a message that is a picture, for a model that sees."""

    type: Literal["image_url"]
    image_url: PictureAddress


Part = Annotated[TextPart | PicturePart, Field(discriminator="type")]


class FunctionBody(_Body):
    """What may be called; `parameters` is a JSON schema."""

    name: FunctionName
    description: Text = ""
    parameters: dict[str, Any] = {}
    strict: StrictBool = False


class ToolBody(_Body):
    """One tool."""

    type: Literal["function"]
    function: FunctionBody


class ChosenTool(_Body):
    """The one tool that is to be called."""

    type: Literal["function"]
    function: FunctionBody


class CalledBody(_Body):
    """What an assistant called; the arguments are JSON."""

    name: FunctionName
    arguments: Text


class ToolCallBody(_Body):
    """One call of an assistant."""

    id: Text
    type: Literal["function"]
    function: CalledBody


class SchemaFormat(_Body):
    """The JSON schema that an answer keeps to."""

    name: Text
    description: Text = ""
    content: Annotated[dict[str, Any], Field(alias="schema")] = {}
    strict: StrictBool = False


class ResponseFormat(_Body):
    """What an answer looks like."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: SchemaFormat | None = None


class MessageBody(_Body):
    """One thing said; a text may come in parts."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Text | Annotated[list[Part], Field(max_length=MOST_PARTS)] = ""
    name: Text = ""
    refusal: Text = ""
    tool_calls: Annotated[list[ToolCallBody], Field(max_length=MOST_TOOLS)] = []
    tool_call_id: Text = ""

    @property
    def text(self) -> str:
        """All of what was said."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def picture_addresses(self) -> tuple[tuple[int, str], ...]:
        """The addresses of all pictures, each with the place of its part."""
        if isinstance(self.content, str):
            return ()
        return tuple(
            (place, part.image_url.url)
            for place, part in enumerate(self.content)
            if isinstance(part, PicturePart)
        )


class ChatBody(_Asking):
    """`POST /v1/chat/completions`."""

    messages: Annotated[list[MessageBody], Field(min_length=1, max_length=MOST_MESSAGES)]
    max_tokens: Annotated[StrictInt, Field(ge=1, le=MOST_TOKENS)] | None = None
    max_completion_tokens: Annotated[StrictInt, Field(ge=1, le=MOST_TOKENS)] | None = None
    response_format: ResponseFormat = ResponseFormat(type="text")
    tools: Annotated[list[ToolBody], Field(max_length=MOST_TOOLS)] = []
    tool_choice: Literal["none", "auto", "required"] | ChosenTool = "auto"
    logprobs: StrictBool = False
    top_logprobs: Annotated[StrictInt, Field(ge=0, le=MAXIMUM_ALTERNATIVES)] = 0


class CompletionBody(_Asking):
    """`POST /v1/completions`."""

    prompt: (
        Text
        | TokenIds
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_ANSWERS)]
        | Annotated[list[TokenIds], Field(min_length=1, max_length=MOST_ANSWERS)]
    )
    max_tokens: Annotated[StrictInt, Field(ge=1, le=MOST_TOKENS)] = 16
    logprobs: Annotated[StrictInt, Field(ge=0, le=MAXIMUM_ALTERNATIVES)] | None = None


class EmbeddingBody(_Body):
    """`POST /v1/embeddings`."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: (
        Text
        | TokenIds
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]
        | Annotated[list[TokenIds], Field(min_length=1, max_length=MOST_TEXTS)]
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[StrictInt, Field(ge=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_what_says_nothing_here(cls, value: object) -> object:
        return _supported(value) if isinstance(value, dict) else value


def _supported(value: dict[str, Any]) -> dict[str, Any]:
    """Return a body without what it need not say. Raises `ApiError` for what cannot be done."""
    for name, harmless in UNSUPPORTED.items():
        given = value.get(name)
        if given is not None and given not in harmless:
            raise BadRequestError("gateway.unsupported_parameter", parameter=name, name=name)
    left_out = IGNORED | UNSUPPORTED.keys()
    return {key: each for key, each in value.items() if key not in left_out}
