"""What must be known of a span to run it, besides its graph."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT_BYTES = 4


@dataclass(frozen=True)
class SpanShape:
    """Layers `first_layer` to `last_layer`, both included, and the sizes of their tensors."""

    first_layer: int
    last_layer: int
    has_embedding: bool
    has_head: bool
    hidden_size: int
    vocabulary_size: int
    kv_heads: int
    head_size: int
    context_tokens: int
    slots: int

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return self.last_layer - self.first_layer + 1

    @property
    def kv_bytes(self) -> int:
        """Size of the attention cache of all slots."""
        rows = self.slots * self.context_tokens
        return 2 * self.layer_count * rows * self.kv_heads * self.head_size * FLOAT_BYTES
