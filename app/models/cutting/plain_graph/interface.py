"""What a decoder's inputs and outputs are for, told by their types, names and readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto, helper

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.cutting.plain_graph.graph_parts import PlainGraph, label
from app.models.cutting.plain_graph.onnx_file import FLOATS

SHAPE_KINDS = ("Shape", "Size")
ATTENTION = "GroupQueryAttention"
WINDOW = "local_window_size"
_INTEGERS = (TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL)
_ROW_AXES = (2, -2)


@dataclass(frozen=True)
class Cache:
    """Keys or values of one layer: an input, and the output with the new rows behind it.

    Both are [1, heads, rows, head size]. `in_place` where the attention operator itself appends.
    """

    past: str
    present: str
    in_place: bool


@dataclass(frozen=True)
class Interface:
    """The names of a decoder's inputs and outputs; an input it does not have is None."""

    token_ids: str
    logits: str
    caches: tuple[Cache, ...]
    mask: str | None = None
    positions: str | None = None
    cache_positions: str | None = None
    kept_logits: str | None = None


def interface_of(graph: PlainGraph) -> Interface:
    """Return the graph's interface. Raises `BadInputError` for one that is not a decoder's."""
    inputs = {value.name: value for value in graph.model.graph.input}
    caches = tuple(_cache(graph, name) for name, value in inputs.items() if _is_cache(value))
    if not caches:
        raise BadInputError("graph.no_cache")
    named = _by_purpose(value for value in inputs.values() if not _is_cache(value))
    presents = {cache.present for cache in caches}
    others = [name for name in graph.outputs if name not in presents]
    if len(others) != 1:
        raise BadInputError(_wrong_outputs(others))
    if "token_ids" not in named:
        raise BadInputError("graph.no_token_ids")
    return Interface(logits=others[0], caches=caches, **named)


def _wrong_outputs(others: Sequence[str]) -> Fact:
    if not others:
        return Fact("graph.no_logits")
    return Fact("graph.other_outputs", found=tuple(others))


def _by_purpose(inputs: Iterable[onnx.ValueInfoProto]) -> dict[str, str]:
    named: dict[str, str] = {}
    for value in inputs:
        purpose = _purpose(value)
        if purpose is None or purpose in named:
            raise BadInputError("graph.input_unknown", input=value.name)
        named[purpose] = value.name
    return named


def _purpose(value: onnx.ValueInfoProto) -> str | None:
    name, rank = value.name.lower(), len(value.type.tensor_type.shape.dim)
    if value.type.tensor_type.elem_type not in _INTEGERS:
        return None
    if "mask" in name:
        return "mask" if rank == 2 else None
    if "cache_position" in name:
        return "cache_positions" if rank == 1 else None
    if "position" in name:
        return "positions" if rank == 2 else None
    if "logits_to_keep" in name:
        return "kept_logits"
    return "token_ids" if "input" in name and rank == 2 else None


def _is_cache(value: onnx.ValueInfoProto) -> bool:
    kind = value.type.tensor_type
    return kind.elem_type in FLOATS and len(kind.shape.dim) == 4


def _cache(graph: PlainGraph, past: str) -> Cache:
    readers = [node for node in graph.readers.get(past, []) if node.op_type not in SHAPE_KINDS]
    for node in readers:
        if node.op_type == ATTENTION and past in list(node.input[3:5]):
            present = node.output[1 if node.input[3] == past else 2]
            is_alone = len(readers) == 1 and not graph.readers.get(present)
            if is_alone and present in graph.outputs:
                return Cache(past, present, in_place=True)
        elif _appends(node, past) and node.output[0] in graph.outputs:
            return Cache(past, node.output[0], in_place=False)
    if not readers:
        raise BadInputError("graph.cache_unread", cache=past)
    raise BadInputError("graph.cache_not_extended", cache=past, node=label(readers[0]))


def _appends(node: onnx.NodeProto, past: str) -> bool:
    axis = {each.name: each.i for each in node.attribute}.get("axis")
    is_pair = node.op_type == "Concat" and len(node.input) == 2
    return is_pair and node.input[0] == past and axis in _ROW_AXES


def renamed(model: onnx.ModelProto, names: Mapping[str, str]) -> onnx.ModelProto:
    """Return the model with values renamed everywhere."""
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    graph = model.graph
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = names.get(value.name, value.name)
    return model


def constant_attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    """Return an integer attribute of a node."""
    values = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return int(values.get(name, default))
