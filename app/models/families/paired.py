"""Models of two chains: an encoder reads a text, a decoder writes one (Vaswani et al. 2017).

Layers are numbered through both chains, the encoder's first. What a decoder's layer reads of the
encoder's result, keys and values for each of its rows, is computed once by a graph of its own and
kept; the encoder's last norm goes with its last layer, the decoder's embedding with its first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from app.core.model import BlockKind
from app.models.families.interface import (
    GENERATION,
    BlockPlan,
    Dimensions,
    HeadOutput,
    SharedWeight,
    Weight,
    WeightRole,
)
from app.models.families.weights import EMBEDDING, HEAD
from app.models.graphs.attention import AttentionShape, attend
from app.models.graphs.both_ways import attend_both_ways
from app.models.graphs.distances import DistanceBuckets, learned_bias
from app.models.graphs.graph import MICROSOFT, ShardGraph
from app.models.graphs.operators import activate, last_position, layer_norm, rms_norm, scaled
from app.models.graphs.positions import positions
from app.models.tensors import StoredTensor

SOURCE_IN = "source_in"
"""The encoder's result, `[1, source, hidden]`."""
ENCODER_NORM, DECODER_NORM = "encoder.norm", "decoder.norm"
ENCODER_BIAS, DECODER_BIAS = "encoder.distance_bias", "decoder.distance_bias"
TOKENS_A_TEXT = 16
"""A text that is read is counted as one step of the encoder in so many tokens that are written."""


@dataclass(frozen=True)
class Side:
    """What one of the two chains has of its own: names of its positions and of what norms them."""

    name: str
    norm: str
    bias: str

    @property
    def positions(self) -> str:
        """Rows added by position, where there are any."""
        return self.name + ".positions"

    @property
    def embedding_norm(self) -> str:
        """The norm behind the embedding, where there is one."""
        return self.name + ".embedding_norm"


ENCODER = Side("encoder", ENCODER_NORM, ENCODER_BIAS)
DECODER = Side("decoder", DECODER_NORM, DECODER_BIAS)


@dataclass(frozen=True)
class PairedStyle:
    """Options that differ between families.

    Norms stand before each part of a layer, or, `norms_behind`, behind its residual; with
    `rms_norms` they take no mean away. Distances have biases in `buckets` keys apart.
    """

    activation: str
    epsilon: float
    attention: AttentionShape
    norms_behind: bool
    rms_norms: bool = False
    embedding_scale: float = 1.0
    logit_scale: float = 1.0
    buckets: tuple[DistanceBuckets, DistanceBuckets] | None = None
    """The encoder's and the decoder's."""


@dataclass(frozen=True)
class PairedModel:
    """One model: `name` is its family's, `layer` returns a layer's weights, `ends` those around."""

    name: str
    dimensions: Dimensions
    encoder_layers: int
    style: PairedStyle
    layer: Callable[[int], tuple[Weight, ...]]
    embedding: tuple[Weight, ...]
    encoder_end: tuple[Weight, ...]
    decoder_begin: tuple[Weight, ...]
    head: tuple[Weight, ...]
    computed: Mapping[str, NDArray[np.float32]]
    answer: HeadOutput = GENERATION

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers of both chains, head."""
        tied = any(weight.name == HEAD for weight in self.head)
        table = () if tied else (SharedWeight(EMBEDDING, WeightRole.MATRIX),)
        return (
            BlockPlan(BlockKind.EMBEDDING, self.embedding, self._tables(ENCODER.positions)),
            *(self._layer_plan(layer) for layer in range(self.dimensions.layer_count)),
            BlockPlan(BlockKind.HEAD, self.head, table),
        )

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return positions that are computed and not learned."""
        return self.computed

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look up what the encoder reads."""
        return self._embedded(graph, token_ids, ENCODER)

    def add_answer_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Look up what the decoder writes."""
        return self._embedded(graph, token_ids, DECODER)

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add a layer of either chain; the encoder's last one norms what it hands over."""
        if layer >= self.encoder_layers:
            return self._decoding(graph, layer, hidden)
        hidden = self._part(graph, layer, "attention", hidden, self._seeing_all)
        hidden = self._part(graph, layer, "inner", hidden, self._inner)
        is_last = layer + 1 == self.encoder_layers
        return self._norm(graph, hidden, ENCODER_NORM) if is_last else hidden

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Norm the last position and multiply it with the head or the embedding tied to it."""
        last = self._norm(graph, last_position(graph, hidden), DECODER_NORM)
        last = scaled(graph, last, self.style.logit_scale)
        return graph.linear(last, HEAD if graph.has(HEAD) else EMBEDDING)

    def source_graph(self, tensors: Mapping[str, StoredTensor], layer: int) -> bytes:
        """Return the graph of what a decoder's layer keeps of the encoder's result.

        From `source_in` to `key` and `value`, each `[1, source, heads * head_size]`.
        """
        graph, sizes = ShardGraph(tensors), self.dimensions
        shape = (1, "source", sizes.hidden_size)
        source = graph.input(SOURCE_IN, TensorProto.FLOAT, shape)
        width = sizes.attention_heads * sizes.head_size
        for part in ("key", "value"):
            rows = graph.linear(source, f"layer.{layer}.source_{part}")
            graph.output(rows, part, (1, "source", width))
        return graph.serialize(f"{self.name}.source.{layer}")

    def _layer_plan(self, layer: int) -> BlockPlan:
        weights, shared = self.layer(layer), self._shared(layer)
        if layer < self.encoder_layers:
            last = self.encoder_end if layer + 1 == self.encoder_layers else ()
            share = 1 / TOKENS_A_TEXT
            return BlockPlan(BlockKind.LAYER, (*weights, *last), shared, 0, share)
        if layer > self.encoder_layers:
            return BlockPlan(BlockKind.LAYER, weights, shared, 2)
        table = SharedWeight(EMBEDDING, WeightRole.EMBEDDING)
        begin = (*shared, table, *self._tables(DECODER.positions))
        return BlockPlan(BlockKind.LAYER, (*weights, *self.decoder_begin), begin, 2)

    def _shared(self, layer: int) -> tuple[SharedWeight, ...]:
        if self.style.buckets is None:
            return ()
        side = ENCODER if layer < self.encoder_layers else DECODER
        held = self.embedding if side is ENCODER else self.decoder_begin
        first = layer in (0, self.encoder_layers)
        is_held = side is DECODER and first and any(each.name == side.bias for each in held)
        return () if is_held else (SharedWeight(side.bias, WeightRole.VECTOR),)

    def _tables(self, name: str) -> tuple[SharedWeight, ...]:
        return (SharedWeight(name, WeightRole.TABLE),) if name in self.computed else ()

    def _embedded(self, graph: ShardGraph, token_ids: str, side: Side) -> str:
        rows = scaled(graph, graph.rows(token_ids, EMBEDDING), self.style.embedding_scale)
        if graph.has(side.positions):
            places = positions(graph, token_ids)
            learned = graph.operator("Gather", [graph.weight(side.positions), places])
            rows = graph.operator("Add", [rows, learned])
        return self._norm(graph, rows, side.embedding_norm)

    def _decoding(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        hidden = self._part(graph, layer, "attention", hidden, self._seeing_back)
        hidden = self._part(graph, layer, "source", hidden, self._reading)
        return self._part(graph, layer, "inner", hidden, self._inner)

    def _part(
        self,
        graph: ShardGraph,
        layer: int,
        part: str,
        hidden: str,
        add: Callable[[ShardGraph, int, str], str],
    ) -> str:
        """Add a part of a layer around a residual, its norm before or behind."""
        name = f"layer.{layer}.{part}_norm"
        if self.style.norms_behind:
            return self._norm(
                graph, graph.operator("Add", [hidden, add(graph, layer, hidden)]), name
            )
        added = add(graph, layer, self._norm(graph, hidden, name))
        return graph.operator("Add", [hidden, added])

    def _seeing_all(self, graph: ShardGraph, layer: int, rows: str) -> str:
        own, style = f"layer.{layer}.", self.style
        bias = "" if style.buckets is None else self._bias(graph, rows, ENCODER, style.buckets[0])
        packed = graph.linear(rows, own + "query_key_value")
        seen = attend_both_ways(graph, [packed], layer, style.attention, bias=bias)
        return graph.linear(seen, own + "output")

    def _seeing_back(self, graph: ShardGraph, layer: int, rows: str) -> str:
        own, style, number = f"layer.{layer}.", self.style, layer - self.encoder_layers
        bias = "" if style.buckets is None else self._bias(graph, rows, DECODER, style.buckets[1])
        packed = graph.linear(rows, own + "query_key_value")
        seen = attend(graph, [packed], number, style.attention, bias=bias)
        return graph.linear(seen, own + "output")

    def _reading(self, graph: ShardGraph, layer: int, rows: str) -> str:
        """Add attention to the rows kept of the encoder's result."""
        own, shape, number = f"layer.{layer}.", self.style.attention, layer - self.encoder_layers
        query = graph.linear(rows, own + "source_query")
        kept = [f"source.{number}.{part}" for part in ("key", "value")]
        read = graph.operator(
            "MultiHeadAttention",
            [query, *kept],
            domain=MICROSOFT,
            num_heads=shape.heads,
            scale=shape.scale,
        )
        return graph.linear(read, own + "source_output")

    def _inner(self, graph: ShardGraph, layer: int, rows: str) -> str:
        own, activation = f"layer.{layer}.", self.style.activation
        inner = activate(graph, graph.linear(rows, own + "up"), activation)
        if graph.has(own + "beside"):
            inner = graph.operator("Mul", [inner, graph.linear(rows, own + "beside")])
        return graph.linear(inner, own + "down")

    def _bias(self, graph: ShardGraph, rows: str, side: Side, buckets: DistanceBuckets) -> str:
        return learned_bias(graph, rows, side.bias, buckets)

    def _norm(self, graph: ShardGraph, value: str, name: str) -> str:
        if not graph.has(name):
            return value
        norm = rms_norm if self.style.rms_norms else layer_norm
        return norm(graph, value, name, self.style.epsilon)
