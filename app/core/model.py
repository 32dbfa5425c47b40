"""A language model as the rack sees it: blocks with content-addressed weights."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.identifiers import BlobHash


class BlockKind(StrEnum):
    """What a block does. Open: a vision encoder would be one more kind."""

    EMBEDDING = "embedding"
    LAYER = "layer"
    HEAD = "head"


@dataclass(frozen=True)
class Blob:
    """An immutable file known by its content."""

    sha256: BlobHash
    size_bytes: int


@dataclass(frozen=True)
class Block:
    """The smallest piece that can be placed; blocks run in index order.

    `weight_bytes` is what one decoded token reads; a tied tensor counts in every block using it.
    """

    index: int
    kind: BlockKind
    blobs: tuple[Blob, ...]
    weight_bytes: int
    flops_per_token: int
    kv_bytes_per_token: int


@dataclass(frozen=True)
class ModelManifest:
    """Everything known of an imported model without opening its weights.

    Blocks are the embedding, then one per layer, then the head.
    """

    name: str
    family: str
    quantization: str
    hidden_size: int
    vocabulary_size: int
    context_tokens: int
    attention_heads: int
    kv_heads: int
    head_size: int
    begin_token: int | None
    end_tokens: tuple[int, ...]
    blocks: tuple[Block, ...]
    tokenizer: Blob | None

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return sum(block.kind is BlockKind.LAYER for block in self.blocks)

    @property
    def boundary_bytes_per_token(self) -> int:
        """Bytes that cross a boundary for one token (one float32 hidden state)."""
        return self.hidden_size * 4

    def blocks_of(self, first_layer: int, last_layer: int) -> tuple[Block, ...]:
        """Return the blocks of a span of layers, embedding and head included at the ends."""
        layer = -1
        chosen = []
        for block in self.blocks:
            if block.kind is BlockKind.LAYER:
                layer += 1
            position = min(max(layer, 0), self.layer_count - 1)
            if first_layer <= position <= last_layer:
                chosen.append(block)
        return tuple(chosen)

    def blobs_of(self, first_layer: int, last_layer: int) -> tuple[Blob, ...]:
        """Return the distinct weight files a span needs, in block order."""
        blobs = [blob for block in self.blocks_of(first_layer, last_layer) for blob in block.blobs]
        return tuple(dict.fromkeys(blobs))
