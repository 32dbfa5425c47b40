"""A decoder of any architecture, behind the same face as the families that are built directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.cutting.bounds import positions_known, treats_rows_alone
from app.models.cutting.plain_graph.onnx_file import OnnxTensors
from app.models.cutting.plain_graph.products import DOMAIN, ROWS
from app.models.cutting.replay import GraphReplay
from app.models.cutting.skeleton import Skeleton
from app.models.cutting.weights import CutWeights
from app.models.families.dimensions import DEFAULT_CONTEXT_TOKENS, MAXIMUM_CONTEXT_TOKENS
from app.models.families.interface import GENERATION, BlockPlan, Dimensions, HeadOutput
from app.models.graphs.graph import LOGITS, ShardGraph
from app.models.graphs.operators import last_position

"""Where neither configuration nor graph says for how many tokens a model was made."""
_CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
_HEAD_FIELDS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_LOGITS_RANK = 3


@dataclass(frozen=True)
class CutDecoder:
    """A skeleton at work; `tensors` are needed to import it and no longer afterwards."""

    skeleton: Skeleton
    configuration: Configuration
    tensors: OnnxTensors | None = None

    @property
    def name(self) -> str:
        """The architecture's own name where the configuration tells, else `onnx`."""
        return self.configuration.text("model_type", "onnx")

    @property
    def answer(self) -> HeadOutput:
        """What the head answers with: the next token."""
        return GENERATION

    @property
    def takes_batches(self) -> bool:
        """Whether rows of several sequences go through its graph together."""
        return self.skeleton.takes_batches

    @cached_property
    def dimensions(self) -> Dimensions:
        """The model's sizes."""
        kv_heads, head_size = self.skeleton.cache_shape()
        hidden_size = self.skeleton.hidden_size
        heads = self.configuration.first_of(*_HEAD_FIELDS)
        return Dimensions(
            hidden_size=hidden_size,
            vocabulary_size=self._vocabulary_size(),
            layer_count=self.skeleton.layer_count,
            attention_heads=self.configuration.dimension(heads, max(1, hidden_size // head_size)),
            kv_heads=kv_heads,
            head_size=head_size,
            context_tokens=self._context_tokens(),
        )

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        return self._weights.plans()

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return the tensors that several blocks read."""
        if self.tensors is None:
            return {}
        read = self.tensors.pieces
        return {
            weight.name: np.concatenate(
                [
                    piece
                    for part in weight.parts
                    for piece in read(part.name, transposed=part.transposed)
                ]
            )
            for weight in self._weights.tables()
        }

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Add everything up to the first layer."""
        return GraphReplay(self.skeleton, graph).block(0, token_ids, self.skeleton.boundaries[0])

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add one layer over its cache."""
        target = self.skeleton.boundaries[layer + 1]
        return GraphReplay(self.skeleton, graph).block(layer + 1, hidden, target)

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Add the head; over the last row only, where it treats each row by itself."""
        replay = GraphReplay(self.skeleton, graph)
        head = self.skeleton.layer_count + 1
        if not treats_rows_alone(self.skeleton.graph, self.skeleton.nodes_of(head)):
            return last_position(graph, replay.block(head, hidden, LOGITS))
        last = graph.constant("last.row", np.array([-1], np.int64))
        row = graph.operator("Gather", [hidden, last], axis=1)
        return replay.head(row, LOGITS)

    @cached_property
    def _weights(self) -> CutWeights:
        return CutWeights(self.skeleton)

    def _vocabulary_size(self) -> int:
        shape = self.skeleton.graph.shapes[LOGITS]
        if len(shape) != _LOGITS_RANK:
            raise BadInputError("graph.logits_of_other_shape")
        tables = [
            self.skeleton.graph.constants[node.input[0]].dims[0]
            for node in self.skeleton.nodes_of(0)
            if node.domain == DOMAIN and node.op_type == ROWS
        ]
        sizes = [size for size in (shape[-1], *tables) if isinstance(size, int)]
        if not sizes:
            raise BadInputError("graph.vocabulary_unknown")
        return min(sizes)

    def _context_tokens(self) -> int:
        name = self.configuration.first_of(*_CONTEXT_FIELDS)
        stored = positions_known(self.skeleton) or DEFAULT_CONTEXT_TOKENS
        return min(self.configuration.dimension(name, stored), MAXIMUM_CONTEXT_TOKENS)
