"""What must be known of a span to run it, besides its graph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from workers.protocol.bounds import MAXIMUM_VOCABULARY, MAXIMUM_WIDTH, Integer
from workers.protocol.chain import ChainName, Span

FLOAT_BYTES: Final = 4
FINAL_ROW: Final = "final_row"
"""The graph's output for what goes into the head of each sequence, `f4 [batch, hidden]`."""
Width = Annotated[int, Integer(1, MAXIMUM_WIDTH)]
WidthOrNone = Annotated[int, Integer(0, MAXIMUM_WIDTH)]


class RowForm(StrEnum):
    """In what form the attention cache keeps numbers, by numpy's names of types."""

    F32 = "f4"
    F16 = "f2"
    INT8 = "i1"
    """Of each channel a multiple of a step of its own, from -127 to 127."""

    @property
    def number_bytes(self) -> int:
        """Size of one number."""
        return int(self.value[1:])

    @property
    def word(self) -> str:
        """What people and options call it."""
        return {RowForm.F32: "f32", RowForm.F16: "f16", RowForm.INT8: "int8"}[self]

    @property
    def has_steps(self) -> bool:
        """Whether numbers are whole ones, each channel's times a step."""
        return self is RowForm.INT8


class CacheType(StrEnum):
    """What a receipt says of the attention cache: none, or the form of its rows."""

    NONE = "none"
    F32 = RowForm.F32.value
    F16 = RowForm.F16.value
    INT8 = RowForm.INT8.value


@dataclass(frozen=True)
class SpanShape:
    """Which blocks it runs, and the sizes of their tensors.

    Without key-value heads there is no attention cache: a step carries a whole text.
    """

    blocks: Span
    has_embedding: bool
    has_head: bool
    hidden_size: Width
    vocabulary_size: Annotated[int, Integer(1, MAXIMUM_VOCABULARY)]
    kv_heads: WidthOrNone
    head_size: Width
    context_tokens: Annotated[int, Integer(1, 1 << 20)]
    slots: Annotated[int, Integer(1, 1_024)]
    answer_size: WidthOrNone = 0
    """Numbers in the vector that the head answers with; 0 where it answers with a token."""
    paired: bool = False
    """Whether an encoder reads what a decoder then answers.

    The first step of a text is what the encoder reads, whole. A decoder's span keeps what its
    layers need of the result, and passes that on; an encoder's passes on later steps.
    """
    cache_rows: RowForm = RowForm.F32
    """How keys and values are kept; those of a text that an encoder read are float32."""

    sees: bool = False
    """Whether the chain before the decoder makes rows of pictures, in the decoder's stead.

    Tokens and pictures come in the order of the text. That chain passes tokens on as they are; the
    decoder takes the rows of a picture as if tokens had been looked up.
    """
    picture_rows: WidthOrNone = 0
    """Of a span of that chain: in how many rows a picture comes, no more and no less."""
    picture_width: WidthOrNone = 0
    """Of the first span of that chain: numbers in a row of a picture, `u1`."""
    left_width: WidthOrNone = 0
    """Numbers in a row that it puts out, where these are not `hidden_size`."""

    @property
    def encodes(self) -> bool:
        """Whether it is part of an encoder before a decoder."""
        return self.paired and self.blocks.chain is ChainName.ENCODER

    @property
    def looks(self) -> bool:
        """Whether it is part of the chain that makes rows of pictures."""
        return self.sees and self.blocks.chain is ChainName.ENCODER

    @property
    def takes_pictures(self) -> bool:
        """Whether it looks tokens up and takes the rows of pictures beside them."""
        return self.sees and self.has_embedding and not self.looks

    @property
    def reads_source(self) -> bool:
        """Whether its layers read what an encoder made of a text."""
        return self.paired and self.blocks.chain is ChainName.DECODER

    def takes_tokens(self, position: int, *, pictured: bool = False) -> bool:
        """Tell whether what comes behind so many rows are tokens, not hidden states.

        `pictured` is whether they stand for a picture.
        """
        if self.sees:
            return not pictured and (self.has_embedding or self.looks)
        if self.encodes:
            return self.has_embedding or position > 0
        return self.has_embedding and not (self.paired and position == 0)

    def takes_pixels(self, *, pictured: bool) -> bool:
        """Tell whether what comes are the pixels of a picture."""
        return pictured and self.looks and self.has_embedding

    @property
    def output_width(self) -> int:
        """Numbers in a row that it puts out without a head."""
        return self.left_width or self.hidden_size

    @property
    def cached(self) -> bool:
        """Whether layers keep keys and values, so that a text may come in pieces."""
        return self.kv_heads > 0

    @property
    def cache(self) -> CacheType:
        """In what form the model's keys and values are kept."""
        kept = self.cached or self.paired or self.sees
        return CacheType(self.cache_rows.value) if kept else CacheType.NONE

    @property
    def output_size(self) -> int:
        """Numbers that the head puts out: a vector's, or a logit for each token."""
        return self.answer_size or self.vocabulary_size

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return self.blocks.block_count

    @property
    def kv_bytes(self) -> int:
        """Size of the attention cache of all slots, and of as many rows of texts that are read."""
        row = self.cache_rows.number_bytes + (FLOAT_BYTES if self.paired else 0)
        rows = self.slots * self.context_tokens
        return 2 * self.layer_count * rows * self.kv_heads * self.head_size * row
