"""Makes everything that follows from lengths a function of three numbers.

Masks and positions become nodes over `length.tokens`, `length.past` and `length.all`, and so does
what asks for the shape of another value. After that no layer reads another one's shapes, and side
values can be computed by every shard for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.models.cutting.graph_parts import ALL, LENGTHS, PAST, TOKENS
from app.models.cutting.interface import Interface, constant_attribute
from app.models.cutting.onnx_file import shapes_of

_Size = int | str
_ONE, _FIRST_AXIS, _SIZE = "cut.one", "cut.axes.0", "cut.size."


def over_lengths(model: onnx.ModelProto, interface: Interface) -> onnx.ModelProto:
    """Return the graph with the lengths in place of masks, positions and shapes."""
    shapes = dict(shapes_of(model))
    sizes = _known_sizes(shapes, interface)
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    nodes = [
        *_side_inputs(interface, types),
        *(_resolved(node, shapes, sizes) for node in model.graph.node),
    ]
    graph = model.graph
    del graph.node[:]
    graph.node.extend(nodes)
    replaced = {
        interface.mask,
        interface.positions,
        interface.cache_positions,
        interface.kept_logits,
    }
    kept = [value for value in graph.input if value.name not in replaced]
    del graph.input[:]
    graph.input.extend(kept)
    graph.input.extend(
        helper.make_tensor_value_info(name, TensorProto.INT64, [1]) for name in LENGTHS
    )
    graph.initializer.extend(_constants(interface, types, shapes))
    graph.initializer.extend(_size_constants(graph))
    return model


def _known_sizes(
    shapes: dict[str, tuple[_Size | None, ...]], interface: Interface
) -> Mapping[str, _Size]:
    """Return what the names of free dimensions stand for; two meanings for one name are none."""
    found: dict[str, set[_Size]] = {}

    def note(value: str | None, meanings: Sequence[_Size | None]) -> None:
        if value is None:
            return
        shape = shapes.get(value, ())
        for size, meaning in zip(shape, meanings, strict=False):
            if isinstance(size, str) and meaning is not None:
                found.setdefault(size, set()).add(meaning)
        known = [
            old if meaning is None else meaning
            for old, meaning in zip(shape, meanings, strict=False)
        ]
        shapes[value] = tuple(known)

    note(interface.token_ids, (1, TOKENS))
    note(interface.mask, (1, ALL))
    note(interface.positions, (1, TOKENS))
    note(interface.cache_positions, (TOKENS,))
    for cache in interface.caches:
        note(cache.past, (1, None, PAST, None))
        note(cache.present, (1, None, ALL, None))
    return {name: meanings.pop() for name, meanings in found.items() if len(meanings) == 1}


def _resolved(
    node: onnx.NodeProto,
    shapes: Mapping[str, tuple[_Size | None, ...]],
    sizes: Mapping[str, _Size],
) -> onnx.NodeProto:
    """Return the node, or where it asks for a shape that is known, one that puts it together."""
    shape = shapes.get(node.input[0]) if node.op_type == "Shape" else None
    if shape is None:
        return node
    first, after = constant_attribute(node, "start", 0), constant_attribute(node, "end", len(shape))
    parts = [
        sizes.get(size, size) if isinstance(size, str) else size for size in shape[first:after]
    ]
    if not parts or not all(isinstance(part, int) or part in LENGTHS for part in parts):
        return node
    if all(isinstance(part, int) for part in parts):
        value = numpy_helper.from_array(np.array(parts, np.int64))
        return helper.make_node("Constant", [], node.output, node.name, value=value)
    names = [
        part if isinstance(part, str) else _size_name(part) for part in parts if part is not None
    ]
    return helper.make_node("Concat", names, node.output, node.name, axis=0)


def _size_name(size: int) -> str:
    return f"{_SIZE}{size}"


def _side_inputs(interface: Interface, types: Mapping[str, int]) -> list[onnx.NodeProto]:
    """Return nodes that put out what the graph wanted fed besides tokens and caches."""
    nodes = []
    if interface.mask is not None:
        nodes += [
            helper.make_node("Concat", [_size_name(1), ALL], ["cut.mask.shape"], axis=0),
            helper.make_node("Expand", ["cut.mask.one", "cut.mask.shape"], [interface.mask]),
        ]
    if interface.positions is None and interface.cache_positions is None:
        return nodes
    nodes += [
        helper.make_node("Squeeze", [PAST], ["cut.first"]),
        helper.make_node("Squeeze", [ALL], ["cut.after"]),
        helper.make_node("Range", ["cut.first", "cut.after", _ONE], ["cut.places"]),
    ]
    if interface.cache_positions is not None:
        kind = types[interface.cache_positions]
        nodes.append(helper.make_node("Cast", ["cut.places"], [interface.cache_positions], to=kind))
    if interface.positions is not None:
        kind = types[interface.positions]
        nodes += [
            helper.make_node("Cast", ["cut.places"], ["cut.places.typed"], to=kind),
            helper.make_node("Unsqueeze", ["cut.places.typed", _FIRST_AXIS], [interface.positions]),
        ]
    return nodes


def _constants(
    interface: Interface,
    types: Mapping[str, int],
    shapes: Mapping[str, tuple[_Size | None, ...]],
) -> list[TensorProto]:
    values = {
        _ONE: np.array(1, np.int64),
        _FIRST_AXIS: np.array([0], np.int64),
    }
    if interface.mask is not None:
        element = helper.tensor_dtype_to_np_dtype(types[interface.mask])
        values["cut.mask.one"] = np.ones((1, 1), element)
    if interface.kept_logits is not None:
        values[interface.kept_logits] = np.ones(len(shapes[interface.kept_logits]) * (1,), np.int64)
    return [numpy_helper.from_array(value, name) for name, value in values.items()]


def _size_constants(graph: onnx.GraphProto) -> list[TensorProto]:
    read = {name for node in graph.node for name in node.input}
    return [
        numpy_helper.from_array(np.array([int(name.removeprefix(_SIZE))], np.int64), name)
        for name in sorted(read)
        if name.startswith(_SIZE)
    ]
