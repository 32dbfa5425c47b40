"""Models that see: a chain of blocks makes rows of a picture, which a decoder reads among tokens.

A picture comes in squares. A square is a fixed number of rows, each of the patches that become one
row of the decoder: `[rows, patches a row * colours * height * width]` bytes. Between blocks a row
is the states of its patches, one after the other, so that as many rows enter a block as leave it.
All of this is kept in float32, whatever the decoder's precision: the matrices are multiplied with a
thousand patches at once, which bytes of weights do not hold up; what they make stands under all
that the decoder says; and results of other processors are then compared within one tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from app.core.model import BlockKind, Eyes
from app.models.families.interface import (
    BlockPlan,
    Dimensions,
    Family,
    HeadOutput,
    Weight,
)
from app.models.graphs.graph import (
    HIDDEN_INPUT,
    HIDDEN_OUTPUT,
    LENGTHS,
    TOTAL_LENGTH,
    ShardGraph,
)
from app.models.tensors import StoredTensor
from workers.engine.session import PIXELS
from workers.protocol.chain import Span

TOKENS_A_PICTURE = 128
"""Written for each picture that is seen, as costs are counted."""
PATCHES_A_READING = 16
"""What a block computes for so many patches takes as long as reading its weights once."""


class Tower(Protocol):
    """The blocks that look, at given sizes."""

    @property
    def eyes(self) -> Eyes:
        """How pictures come."""
        ...

    @property
    def layer_count(self) -> int:
        """Number of blocks."""
        ...

    def beginning(self) -> tuple[Weight, ...]:
        """Return the weights that make states of patches."""
        ...

    def layer(self, layer: int) -> tuple[Weight, ...]:
        """Return the weights of a block."""
        ...

    def ending(self) -> tuple[Weight, ...]:
        """Return the weights behind the last block."""
        ...

    def add_beginning(self, graph: ShardGraph, pixels: str) -> str:
        """Add what makes states `[1, patches, size]` of float32 pixels `[1, rows, numbers]`."""
        ...

    def add_layer(self, graph: ShardGraph, layer: int, states: str) -> str:
        """Add a block."""
        ...

    def add_ending(self, graph: ShardGraph, states: str) -> str:
        """Add what makes rows of the decoder `[1, rows, hidden]` of the last block's states."""
        ...

    def packed(self, graph: ShardGraph, states: str) -> str:
        """Return states as they leave a span, `[1, rows, numbers]`."""
        ...

    def unpacked(self, graph: ShardGraph, rows: str) -> str:
        """Return what left the span before as states."""
        ...


@dataclass(frozen=True)
class SeeingModel:
    """A decoder with eyes: layers are numbered through both chains, those that look first."""

    name: str
    text: Family
    tower: Tower

    @property
    def encoder_layers(self) -> int:
        """How many layers look."""
        return self.tower.layer_count

    @property
    def dimensions(self) -> Dimensions:
        """The decoder's sizes, with the layers of both chains."""
        sizes = self.text.dimensions
        return replace(sizes, layer_count=sizes.layer_count + self.tower.layer_count)

    @property
    def answer(self) -> HeadOutput:
        """What the head answers with."""
        return self.text.answer

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: what makes states of patches, layers of both chains, head.

        The decoder's embedding goes with its first layer.
        """
        embedding, first, *others = self.text.plans()
        begun = replace(
            first,
            weights=(*embedding.weights, *first.weights),
            shared=(*embedding.shared, *first.shared),
        )
        looking = [self._looking(layer) for layer in range(self.tower.layer_count)]
        return (
            BlockPlan(BlockKind.EMBEDDING, self.tower.beginning(), (), 0, self._share),
            *looking,
            begun,
            *others,
        )

    def _looking(self, layer: int) -> BlockPlan:
        is_last = layer + 1 == self.tower.layer_count
        ending = self.tower.ending() if is_last else ()
        return BlockPlan(BlockKind.LAYER, (*self.tower.layer(layer), *ending), (), 0, self._share)

    @property
    def _share(self) -> float:
        """How often a block is read for a token that is written, or takes as long as that."""
        eyes = self.tower.eyes
        along = eyes.edge_pixels // eyes.pixels if eyes.splits else 1
        squares = along * along + 1 if along > 1 else 1
        return squares * eyes.rows * eyes.group**2 / (PATCHES_A_READING * TOKENS_A_PICTURE)

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the decoder's tables."""
        return self.text.tables()

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look the tokens' rows up."""
        return self.text.add_embedding(graph, token_ids)

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add a layer of the decoder, by its number there."""
        return self.text.add_layer(graph, layer, hidden)

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Add the decoder's head."""
        return self.text.add_head(graph, hidden)

    def looking_graph(self, tensors: Mapping[str, StoredTensor], blocks: Span) -> bytes:
        """Return the graph of a span of the chain that looks.

        From `pixels` u1 or `hidden_in` float32 to `hidden_out` float32, each `[1, rows, numbers]`.
        """
        graph, tower, eyes = ShardGraph(tensors), self.tower, self.tower.eyes
        graph.input(LENGTHS, TensorProto.INT32, [1])
        graph.input(TOTAL_LENGTH, TensorProto.INT32, [])
        if blocks.first == 0:
            shape = (1, eyes.rows, eyes.row_width)
            pixels = graph.input(PIXELS, TensorProto.UINT8, shape)
            numbers = graph.operator("Cast", [pixels], to=TensorProto.FLOAT)
            states = tower.add_beginning(graph, numbers)
        else:
            shape = (1, eyes.rows, eyes.hidden_size)
            rows = graph.input(HIDDEN_INPUT, TensorProto.FLOAT, shape)
            states = tower.unpacked(graph, rows)
        for layer in blocks.blocks:
            states = tower.add_layer(graph, layer, states)
        ends = blocks.end == tower.layer_count
        left = tower.add_ending(graph, states) if ends else tower.packed(graph, states)
        width = self.text.dimensions.hidden_size if ends else eyes.hidden_size
        graph.output(left, HIDDEN_OUTPUT, (1, eyes.rows, width))
        return graph.serialize(f"{self.name}.eyes.{blocks.first}-{blocks.last}")
