"""CLIP's blocks: SigLIP's with a state of the whole picture beside those of its patches.

Radford et al. 2021. That state stands behind the others. Between spans it is spread over the rows,
some numbers behind each, so that as many rows leave a span as it has patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.models.families.interface import Part, Weight, WeightRole
from app.models.families.siglip import COLOURS, Siglip
from app.models.families.weights import affine
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import layer_norm

_PATCHES, _PLACES, _WHOLE, _NORM = "eyes.patches", "eyes.places", "eyes.whole", "eyes.begin_norm"


def spread(size: int, rows: int) -> int:
    """Return how many numbers of a state stand behind each of so many rows."""
    return -(-size // rows)


@dataclass(frozen=True)
class Clip(Siglip):
    """The blocks of one model; each patch becomes one row."""

    def beginning(self) -> tuple[Weight, ...]:
        """Return what multiplies a patch, the whole's state, learned positions and their norm."""
        sizes, source = self.sizes, self.source + "embeddings."
        kernel = (sizes.size, COLOURS, sizes.patch_pixels, sizes.patch_pixels)
        places, whole = source + "position_embedding.weight", source + "class_embedding"
        shape = (sizes.side**2 + 1, sizes.size)
        patches = Part(source + "patch_embedding.weight", kernel)
        return (
            Weight(_PATCHES, WeightRole.EYE, (patches,)),
            Weight(_WHOLE, WeightRole.VECTOR, (Part(whole, (sizes.size,)),)),
            Weight(_PLACES, WeightRole.VECTOR, (Part(places, shape),)),
            *affine(_NORM, self.source + "pre_layrnorm", sizes.size),
        )

    def ending(self) -> tuple[Weight, ...]:
        """Return the projection alone: no norm stands before it."""
        return self.projection.weights

    def add_beginning(self, graph: ShardGraph, pixels: str) -> str:
        """Add positions to patches and to the whole's state behind them, and norm all."""
        states = graph.linear(self.in_colours(graph, pixels), _PATCHES)
        shape = graph.constant("whole.shape", np.array([1, 1, -1], np.int64))
        whole = graph.operator("Reshape", [graph.weight(_WHOLE), shape])
        states = graph.operator("Concat", [states, whole], axis=1)
        order = np.array([*range(1, self.eyes.rows + 1), 0], np.int64)
        order_name = graph.constant("places.order", order)
        places = graph.operator("Gather", [graph.weight(_PLACES), order_name])
        states = graph.operator("Add", [states, places])
        return layer_norm(graph, states, _NORM, self.sizes.epsilon)

    def add_ending(self, graph: ShardGraph, states: str) -> str:
        """Leave the whole's state behind and project the patches'."""
        return self.projection.add(graph, self._part(graph, states, 1, 0, self.eyes.rows))

    def packed(self, graph: ShardGraph, states: str) -> str:
        """Return rows of a patch's state and some numbers of the whole's."""
        rows, size = self.eyes.rows, self.sizes.size
        patches = self._part(graph, states, 1, 0, rows)
        whole = self._part(graph, states, 1, rows, rows + 1)
        behind = spread(size, rows)
        pads = np.array([0, 0, 0, 0, 0, rows * behind - size], np.int64)
        padded = graph.operator("Pad", [whole, graph.constant("whole.pads", pads)])
        shape = graph.constant("whole.spread", np.array([1, rows, behind], np.int64))
        return graph.operator(
            "Concat", [patches, graph.operator("Reshape", [padded, shape])], axis=2
        )

    def unpacked(self, graph: ShardGraph, rows: str) -> str:
        """Return the patches' states and behind them the whole's."""
        size, width = self.sizes.size, self.eyes.hidden_size
        patches = self._part(graph, rows, 2, 0, size)
        behind = self._part(graph, rows, 2, size, width)
        shape = graph.constant("whole.joined", np.array([1, 1, -1], np.int64))
        joined = graph.operator("Reshape", [behind, shape])
        whole = self._part(graph, joined, 2, 0, size)
        return graph.operator("Concat", [patches, whole], axis=1)

    @staticmethod
    def _part(graph: ShardGraph, value: str, axis: int, first: int, after: int) -> str:
        places = [
            graph.constant(f"part.{number}", np.array([number], np.int64))
            for number in (first, after, axis)
        ]
        return graph.operator("Slice", [value, *places])
