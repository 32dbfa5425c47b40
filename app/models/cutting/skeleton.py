"""A decoder's plain graph without its weights, with the places where it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.cutting.fusing import with_fused_attention
from app.models.cutting.layering import Layering, layers_of
from app.models.cutting.plain_graph.graph_parts import (
    BATCH,
    LENGTHS,
    PlainGraph,
    label,
    past_name,
)
from app.models.cutting.plain_graph.interface import Interface, interface_of, renamed
from app.models.cutting.plain_graph.lengths import over_lengths
from app.models.cutting.plain_graph.onnx_file import FLOATS, OnnxTensors
from app.models.cutting.plain_graph.products import tie_copies, with_products
from app.models.cutting.plain_graph.simplification import simplify
from app.models.graphs.graph import INPUT_IDS, LOGITS
from workers.protocol.span_shape import FLOAT_BYTES

INLINE_BYTES = 1024
"""Constants up to this size stay in the graph; larger ones are weights."""
PARTS = ("key", "value")
_BOUNDARIES, _IN_PLACE, _HIDDEN = "boundaries", "in_place", "hidden_size"
_BATCHES = "takes_batches"


@dataclass(frozen=True)
class Skeleton:
    """Layer l lies between `boundaries[l]` and `boundaries[l + 1]`.

    The graph's inputs are `input_ids`, the three lengths and `past.{l}.key`, `past.{l}.value`; its
    outputs `logits` and `present.{l}.*`. Weights are stubs: a name, a type and a shape.
    `in_place` where attention appends to the cache itself; with `takes_batches` the tokens are
    those of several sequences, and what tells them apart are inputs too.
    """

    model: onnx.ModelProto
    boundaries: tuple[str, ...]
    hidden_size: int
    in_place: bool
    takes_batches: bool = False

    @cached_property
    def graph(self) -> PlainGraph:
        """The nodes."""
        return PlainGraph(self.model)

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return len(self.boundaries) - 1

    def cache_shape(self) -> tuple[int, int]:
        """Return the heads and the head size of the caches. Raises `BadInputError`."""
        shapes = {
            _cache_shape(self.graph, past_name(layer, part))
            for layer in range(self.layer_count)
            for part in PARTS
        }
        if len(shapes) != 1:
            raise BadInputError("graph.caches_differ", shapes=str(sorted(shapes)))
        return shapes.pop()

    @cached_property
    def side_values(self) -> frozenset[str]:
        """Values that follow from the lengths alone, such as masks and rotary tables."""
        followers = set(self.graph.inputs).difference(LENGTHS, BATCH)
        for node in self.graph.nodes:
            if followers.intersection(node.input):
                followers.update(node.output)
        return frozenset(self.graph.producers.keys() - followers)

    def nodes_of(self, block: int) -> tuple[onnx.NodeProto, ...]:
        """Return the nodes that a block runs: the embedding is 0, the head comes last.

        Side values, which follow from lengths alone, are among the nodes of every block that reads
        them. Raises `BadInputError` where a block reads more than the value at its start.
        """
        return self._blocks[block]

    @cached_property
    def _blocks(self) -> tuple[tuple[onnx.NodeProto, ...], ...]:
        return tuple(self._block(block) for block in range(self.layer_count + 2))

    def _block(self, block: int) -> tuple[onnx.NodeProto, ...]:
        layer = block - 1
        is_layer = 0 <= layer < self.layer_count
        presents = [f"present.{layer}.{part}" for part in PARTS] if is_layer else []
        target = self.boundaries[block] if block <= self.layer_count else LOGITS
        start = self.boundaries[layer] if block else INPUT_IDS
        nodes = self.graph.needed_for([target, *presents], frozenset([start]))
        allowed = {start, *LENGTHS, *BATCH, *(past_name(layer, part) for part in PARTS)}
        for node in nodes:
            for name in set(node.input).intersection(self.graph.inputs) - allowed:
                raise BadInputError(_reads_beyond(block, self.layer_count, name, label(node)))
        return tuple(nodes)

    def serialize(self) -> bytes:
        """Return the skeleton as bytes; equal graphs give equal bytes."""
        content: bytes = self.model.SerializeToString(deterministic=True)
        return content

    @classmethod
    def parse(cls, content: bytes) -> Skeleton:
        """Return a skeleton from its bytes."""
        model = onnx.ModelProto.FromString(content)
        values = {entry.key: entry.value for entry in model.metadata_props}
        in_place = values[_IN_PLACE] == str(True)
        takes_batches = values.get(_BATCHES) == str(True)
        boundaries = tuple(values[_BOUNDARIES].split("\n"))
        return cls(model, boundaries, int(values[_HIDDEN]), in_place, takes_batches)


def cut(model: onnx.ModelProto, tensors: OnnxTensors) -> Skeleton:
    """Find the layers of a decoder. Raises `BadInputError` that says why and where it cannot be.

    The model is changed on the way and not to be used afterwards.
    """
    model = simplify(_without_weights(model, tensors))
    model = _with_shapes(model)
    interface = interface_of(PlainGraph(model))
    model = over_lengths(model, interface)
    model = renamed(model, {interface.token_ids: INPUT_IDS})
    model = tie_copies(with_products(simplify(model)), tensors)
    layering = layers_of(PlainGraph(model), interface)
    model = simplify(renamed(model, _lasting_names(interface, layering)))
    in_place = all(cache.in_place for caches in layering.caches for cache in caches)
    plain = Skeleton(model, layering.boundaries, layering.hidden_size, in_place)
    skeleton = marked(plain if in_place else _with_fused_attention(plain))
    skeleton.cache_shape()
    skeleton.nodes_of(0)
    return skeleton


def _with_fused_attention(plain: Skeleton) -> Skeleton:
    fused = with_fused_attention(plain.graph, plain.side_values, plain.layer_count)
    return plain if fused is None else replace(plain, model=fused, in_place=True)


def marked(skeleton: Skeleton) -> Skeleton:
    """Write into the graph where it is cut, and leave out what only its exporter knew."""
    model = skeleton.model
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for field in ("value_info", "quantization_annotation", "metadata_props"):
        model.graph.ClearField(field)
    del model.metadata_props[:]
    fields = {
        _BOUNDARIES: "\n".join(skeleton.boundaries),
        _HIDDEN: str(skeleton.hidden_size),
        _IN_PLACE: str(skeleton.in_place),
        _BATCHES: str(skeleton.takes_batches),
    }
    helper.set_model_props(model, fields)
    return replace(skeleton, model=model)


def _lasting_names(interface: Interface, layering: Layering) -> Mapping[str, str]:
    names = {interface.logits: LOGITS}
    for layer, caches in enumerate(layering.caches):
        for part, cache in zip(PARTS, caches, strict=True):
            names[cache.past] = past_name(layer, part)
            names[cache.present] = f"present.{layer}.{part}"
    return names


def _without_weights(model: onnx.ModelProto, tensors: OnnxTensors) -> onnx.ModelProto:
    """Return a copy whose small constants lie in the graph and whose weights are stubs."""
    graph = onnx.GraphProto(
        name=model.graph.name,
        node=model.graph.node,
        input=model.graph.input,
        output=model.graph.output,
        value_info=model.graph.value_info,
        initializer=(_slim(proto, tensors) for proto in model.graph.initializer),
    )
    return onnx.ModelProto(
        ir_version=model.ir_version,
        opset_import=model.opset_import,
        functions=model.functions,
        graph=graph,
    )


def _slim(proto: TensorProto, tensors: OnnxTensors) -> TensorProto:
    is_float = proto.data_type in FLOATS
    if int(np.prod(proto.dims, dtype=np.int64)) * FLOAT_BYTES > INLINE_BYTES:
        kind = TensorProto.FLOAT if is_float else proto.data_type
        stub = TensorProto(name=proto.name, dims=proto.dims, data_type=kind)
        stub.data_location = TensorProto.EXTERNAL
        return stub
    values = tensors.whole(proto.name)
    return numpy_helper.from_array(values.astype(np.float32) if is_float else values, proto.name)


def _with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Infer the values' shapes where the exporter did not write them down."""
    if len(model.graph.value_info) >= len(model.graph.node) // 2:
        return model
    return shape_inference.infer_shapes(model, data_prop=True)


def _cache_shape(graph: PlainGraph, name: str) -> tuple[int, int]:
    _, heads, _, size = graph.shapes[name]
    if not isinstance(heads, int) or not isinstance(size, int):
        raise BadInputError("graph.cache_heads_unknown", cache=name)
    return heads, size


def _reads_beyond(block: int, layer_count: int, value: str, node: str) -> Fact:
    if block == 0:
        return Fact("graph.embedding_reads", value=value, node=node)
    if block > layer_count:
        return Fact("graph.head_reads", value=value, node=node)
    return Fact("graph.layer_reads", layer=block - 1, value=value, node=node)
