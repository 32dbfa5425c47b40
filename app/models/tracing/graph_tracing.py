"""Traces a stored model's computation graph; no weights are read."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
import onnx

from app.core.errors import BadInputError
from app.models.architecture import architecture_of
from app.models.families.interface import Dimensions
from app.models.families.paired import PairedModel
from app.models.graphs.graph import INPUT_IDS, ShardGraph
from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from app.models.tensors import BIAS_SUFFIX, CODES_SUFFIX, SCALES_SUFFIX
from app.models.tracing.computation_graph import (
    ComputationGraph,
    CutPoint,
    Dependency,
    Edge,
    Operation,
)
from app.models.tracing.value_shapes import Value, ValueShapes

_SHAPE_ONLY = ("Shape",)
_PRODUCTS = ("MatMul", "FusedMatMul", "MatMulNBits")
_LOOKUPS = ("Gather", "GatherBlockQuantized")
EXPERTS = "Experts"
_ATTENTION = ("GroupQueryAttention", "MultiHeadAttention")
_CACHE = "past."
_FLOAT = np.dtype(np.float32)


def trace(model: StoredModel, store: BlobStore) -> ComputationGraph:
    """Return the graph of the whole model. Raises `BadInputError` for one of two chains."""
    family = architecture_of(model, store)
    if isinstance(family, PairedModel):
        raise BadInputError("graph.of_two_chains", model=model.manifest.name)
    graph = ShardGraph(model.tensors, in_outline=True)
    blocks: list[int] = []

    def close_block() -> None:
        block = blocks[-1] + 1 if blocks else 0
        blocks.extend([block] * (len(graph.nodes) - len(blocks)))

    hidden = family.add_embedding(graph, INPUT_IDS)
    close_block()
    for layer in range(family.dimensions.layer_count):
        hidden = family.add_layer(graph, layer, hidden)
        close_block()
    logits = family.add_head(graph, hidden)
    close_block()
    return _Tracer(graph, blocks, family.dimensions).result(logits)


@dataclass(frozen=True)
class _Step:
    """A node with its data inputs: values that nodes put out, or the tokens."""

    node: onnx.NodeProto
    block: int
    inputs: tuple[str, ...]
    is_side: bool
    level: int


class _Tracer:
    def __init__(self, graph: ShardGraph, blocks: list[int], sizes: Dimensions) -> None:
        self._initializers = graph.initializers
        self._sizes = sizes
        self._shapes = _value_shapes(graph, sizes)
        self._longer = _value_shapes(graph, replace(sizes, context_tokens=sizes.context_tokens + 1))
        self._producers: dict[str, _Step] = {}
        self._steps: list[_Step] = []
        for node, block in zip(graph.nodes, blocks, strict=True):
            self._follow(node, block)

    def result(self, logits: str) -> ComputationGraph:
        return ComputationGraph(
            tuple(self._operation(step) for step in self._steps),
            tuple(self._edge(name, step) for step in self._steps for name in step.inputs),
            self._cut_points(logits),
        )

    def _follow(self, node: onnx.NodeProto, block: int) -> None:
        self._shapes.follow(node)
        self._longer.follow(node)
        inputs = tuple(name for name in node.input if name in self._producers or name == INPUT_IDS)
        sources = [self._producers[name] for name in inputs if name in self._producers]
        knows_tokens = INPUT_IDS in inputs or any(not source.is_side for source in sources)
        level = 1 + max((source.level for source in sources if not source.is_side), default=-1)
        reads_cache = any(name.startswith(_CACHE) for name in node.input)
        is_side = not (knows_tokens or reads_cache) or node.op_type in _SHAPE_ONLY
        step = _Step(node, block, inputs, is_side, level)
        self._steps.append(step)
        self._producers.update(dict.fromkeys(node.output, step))

    def _operation(self, step: _Step) -> Operation:
        return Operation(
            name=step.node.name,
            kind=step.node.op_type,
            block=step.block,
            flops_per_token=self._flops(step),
            flops_per_cached_token=self._attention_flops(step),
            weight_bytes=round(_share(step) * self._weight_bytes(step)),
            is_side=step.is_side,
        )

    def _weights(self, step: _Step) -> list[str]:
        protos = self._initializers
        return [each for each in step.node.input if each in protos and protos[each].external_data]

    def _weight_bytes(self, step: _Step) -> int:
        return sum(self._shapes[name].size_bytes for name in self._weights(step))

    def _flops(self, step: _Step) -> int:
        """Return what a token costs however many are cached."""
        cached = self._sizes.context_tokens * self._grown_flops(step)
        return self._counted(step, self._shapes) - cached

    def _attention_flops(self, step: _Step) -> int:
        """Return what each cached token adds; attention may also be written out in operators."""
        if step.node.op_type in _ATTENTION:
            return 4 * self._sizes.attention_heads * self._sizes.head_size
        return self._grown_flops(step)

    def _grown_flops(self, step: _Step) -> int:
        return self._counted(step, self._longer) - self._counted(step, self._shapes)

    def _counted(self, step: _Step, shapes: ValueShapes) -> int:
        """Return a product's multiplications and additions, else one operation an element."""
        if step.is_side or step.node.op_type in _LOOKUPS:
            return 0
        elements = math.prod(shapes[step.node.output[0]].shape)
        if step.node.op_type == EXPERTS:
            return round(2 * _share(step) * sum(map(self._numbers, self._weights(step))))
        is_product = step.node.op_type in _PRODUCTS
        return 2 * elements * shapes[step.node.input[0]].shape[-1] if is_product else elements

    def _numbers(self, weight: str) -> int:
        """Return how many numbers a matrix has that is stored as it is or as codes."""
        shape = self._shapes[weight].shape
        if weight.endswith((SCALES_SUFFIX, BIAS_SUFFIX)) or len(shape) < 2:
            return 0
        return math.prod(shape[:2]) * (BLOCK_COLUMNS if weight.endswith(CODES_SUFFIX) else 1)

    def _edge(self, name: str, step: _Step) -> Edge:
        source = self._producers.get(name)
        return Edge(
            value=name,
            source=source.node.name if source else None,
            target=step.node.name,
            value_bytes=self._shapes[name].size_bytes,
            dependency=_dependency(source, step),
        )

    def _cut_points(self, logits: str) -> tuple[CutPoint, ...]:
        """Return the values that all paths share: paths to it x paths from it = all paths."""
        before, after = self._paths_before(), self._paths_after(logits)
        return tuple(
            CutPoint(
                name,
                step.node.name,
                self._shapes[name].size_bytes,
                self._is_boundary(name, step),
            )
            for step in self._steps
            for name in step.node.output
            if before[name] and before[name] * after[name] == before[logits]
        )

    def _paths_before(self) -> dict[str, int]:
        paths: dict[str, int] = defaultdict(int)
        paths[INPUT_IDS] = 1
        for step in self._steps:
            if not step.is_side:
                total = sum(paths[name] for name in step.inputs)
                paths.update(dict.fromkeys(step.node.output, total))
        return paths

    def _paths_after(self, logits: str) -> dict[str, int]:
        paths: dict[str, int] = defaultdict(int)
        paths[logits] = 1
        for step in reversed(self._steps):
            if not step.is_side:
                for name in step.inputs:
                    paths[name] += sum(paths[output] for output in step.node.output)
        return paths

    def _is_boundary(self, name: str, step: _Step) -> bool:
        readers = [each for each in self._steps if name in each.inputs and not each.is_side]
        return bool(readers) and all(reader.block > step.block for reader in readers)


def _share(step: _Step) -> float:
    """Return which share of its weights a node reads for a token."""
    return next((each.f for each in step.node.attribute if each.name == "share"), 1.0)


def _dependency(source: _Step | None, target: _Step) -> Dependency:
    if target.is_side or (source is not None and source.is_side):
        return Dependency.RECOMPUTED
    if source is None or target.level - source.level == 1:
        return Dependency.SEQUENTIAL
    return Dependency.RESIDUAL


def _value_shapes(graph: ShardGraph, sizes: Dimensions) -> ValueShapes:
    return ValueShapes(graph.initializers, _inputs(sizes), sizes.context_tokens, graph.opset)


def _inputs(sizes: Dimensions) -> dict[str, Value]:
    cache = Value((1, sizes.kv_heads, sizes.context_tokens, sizes.head_size), _FLOAT)
    inputs = {
        f"past.{layer}.{part}": cache
        for layer in range(sizes.layer_count)
        for part in ("key", "value")
    }
    return {INPUT_IDS: Value((1, 1), np.dtype(np.int64)), **inputs}
