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

from app.models.cutting.plain_graph.graph_parts import ALL, LENGTHS, PAST, TOKENS
from app.models.cutting.plain_graph.interface import Interface, constant_attribute
from app.models.cutting.plain_graph.onnx_file import shapes_of
from app.models.cutting.plain_graph.sizes import SIZE_PREFIX, formula, size_name, summed

_Size = int | str
_ONE, _FIRST_AXIS = "cut.one", "cut.axes.0"


def over_lengths(model: onnx.ModelProto, interface: Interface) -> onnx.ModelProto:
    """Return the graph with the lengths in place of masks, positions and shapes."""
    shapes = dict(shapes_of(model))
    meanings = _meanings(shapes, interface)
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    nodes = [
        *_side_inputs(interface, types),
        *(each for node in model.graph.node for each in _resolved(node, shapes, meanings)),
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


def _meanings(
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
    own = {name: name for name in LENGTHS}
    return own | {name: meanings.pop() for name, meanings in found.items() if len(meanings) == 1}


def _resolved(
    node: onnx.NodeProto,
    shapes: Mapping[str, tuple[_Size | None, ...]],
    meanings: Mapping[str, _Size],
) -> list[onnx.NodeProto]:
    """Return the node, or where it asks for a shape that is known, what puts that together."""
    shape = shapes.get(node.input[0]) if node.op_type == "Shape" else None
    if shape is None:
        return [node]
    first, after = constant_attribute(node, "start", 0), constant_attribute(node, "end", len(shape))
    formulas = [formula(size, meanings) for size in shape[first:after]]
    known = [each for each in formulas if each is not None]
    if not known or len(known) != len(formulas):
        return [node]
    if all(set(each) == {""} for each in known):
        value = numpy_helper.from_array(np.array([each[""] for each in known], np.int64))
        return [helper.make_node("Constant", [], node.output, node.name, value=value)]
    names, nodes = [], []
    for axis, each in enumerate(known):
        name, before = summed(each, f"{node.output[0]}.{axis}")
        names.append(name)
        nodes += before
    return [*nodes, helper.make_node("Concat", names, node.output, node.name, axis=0)]


def _side_inputs(interface: Interface, types: Mapping[str, int]) -> list[onnx.NodeProto]:
    """Return nodes that put out what the graph wanted fed besides tokens and caches."""
    nodes = []
    if interface.mask is not None:
        nodes += [
            helper.make_node("Concat", [size_name(1), ALL], ["cut.mask.shape"], axis=0),
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
        numpy_helper.from_array(np.array([int(name.removeprefix(SIZE_PREFIX))], np.int64), name)
        for name in sorted(read)
        if name.startswith(SIZE_PREFIX)
    ]
