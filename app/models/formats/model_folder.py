"""A folder with a model in it, whatever form its weights have there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.models.chat.chat_source import read_chat_template
from app.models.chat.chat_template import ChatTemplate
from app.models.configuration import Configuration
from app.models.formats.vocabularies.finding import TOKENIZER_FILE, tokenizer_content

__all__ = ["TOKENIZER_FILE", "ModelFolder"]
CONFIGURATION_FILE = "config.json"
GENERATION_FILE = "generation_config.json"

Float32Array = NDArray[np.float32]
PackedRows = tuple[NDArray[np.uint8], Float32Array]
"""Codes [rows, blocks, bytes of a block] and scales [rows, blocks]."""


class ModelFolder(ABC):
    """What lies beside the weights, and how the weights are read: in pieces, as float32."""

    weight_files: tuple[Path, ...]

    def __init__(self, folder: Path, configuration: Configuration) -> None:
        self.folder = folder
        self.configuration = configuration

    @abstractmethod
    def require(self, tensor: str, shape: tuple[int, ...]) -> None:
        """Refuse a tensor that is missing, of another shape or unreadable: `BadInputError`."""

    @abstractmethod
    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor as float32 arrays of consecutive rows, a few megabytes each.

        `rows` are ranges to yield instead of the whole; a transposed tensor is turned first.
        Raises `BadInputError` at the first value that is not a finite number.
        """

    def packed_pieces(
        self,
        tensor: str,  # noqa: ARG002 - a form that has blocks asks
        rows: Sequence[tuple[int, int]],  # noqa: ARG002
        bits: int,  # noqa: ARG002
    ) -> Iterator[PackedRows] | None:
        """Return the tensor's codes and scales where it is stored in blocks like ours, else None.

        They are as `quantize_rows` would make them, and exactly what the file holds.
        """
        return None

    def is_quantized(self, tensor: str) -> bool:  # noqa: ARG002 - a form that has such asks
        """Return whether a tensor is stored in few bits, in blocks of another kind than ours."""
        return False

    @property
    def begin_token(self) -> int | None:
        """The token every text starts with, if the model has one."""
        tokens = self._tokens("bos_token_id")
        return tokens[0] if tokens else None

    @property
    def end_tokens(self) -> tuple[int, ...]:
        """Tokens that end a text; the generation settings may list more than the model's own."""
        tokens = self._tokens("eos_token_id")
        generation = self.folder / GENERATION_FILE
        if generation.exists():
            tokens += Configuration.from_file(generation).tokens("eos_token_id")
        return tuple(dict.fromkeys(tokens))

    def _tokens(self, field: str) -> tuple[int, ...]:
        """Return a field's tokens; of models that see it may stand with their text part."""
        text = self.configuration.section("text_config")
        return self.configuration.tokens(field) or (text.tokens(field) if text else ())

    @property
    def tokenizer_content(self) -> bytes | None:
        """What `tokenizer.json` holds or would hold, or None where the folder has no tokenizer.

        Raises `BadInputError` where there is one that cannot be read.
        """
        return tokenizer_content(self.folder)

    @property
    def chat_template(self) -> ChatTemplate | None:
        """How the model wants conversations written, or None where the folder does not say."""
        return read_chat_template(self.folder)
