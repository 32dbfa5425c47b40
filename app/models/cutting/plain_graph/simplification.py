"""Brings a graph into the plain form that the cut looks at; what it computes stays the same.

Functions are written out, constants lie beside the nodes, nothing passes through `Identity`, norms
with a residual inside are taken apart, and floats of 16 bits become float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, inliner, numpy_helper

from app.core.errors import BadInputError
from app.models.cutting.plain_graph.onnx_file import FLOATS

MINIMUM_OPSET = 13
"""From here on axes and ranges are inputs, as the nodes that are added have them."""
_PASSING = ("Identity", "Dropout")
_CONSTANTS = {
    "value_float": "float32",
    "value_floats": "float32",
    "value_int": "int64",
    "value_ints": "int64",
}
_SKIP_NORMS = {
    "SkipLayerNormalization": ("LayerNormalization", 4),
    "SkipSimplifiedLayerNormalization": ("SimplifiedLayerNormalization", 3),
}
"""What remains of a norm without its residual, and which of its inputs is the bias of the sum."""


def simplify(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph in plain form. Raises `BadInputError` where it has a form no cut knows."""
    opset = opset_of(model)
    if opset < MINIMUM_OPSET:
        raise BadInputError("graph.opset_too_old", opset=opset, oldest=MINIMUM_OPSET)
    plain = inliner.inline_local_functions(model) if model.functions else model
    graph = plain.graph
    _refuse_control_flow(graph.node)
    nodes = list(_without_passing(graph))
    nodes = [each for node in nodes for each in _without_skip(node)]
    del graph.node[:]
    graph.node.extend(_needed(nodes, [value.name for value in graph.output]))
    _drop_unused(graph)
    _widen(graph)
    return plain


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of ONNX's own operators that the graph is written in."""
    return next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)


def _refuse_control_flow(nodes: Iterable[onnx.NodeProto]) -> None:
    for node in nodes:
        if any(
            each.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) for each in node.attribute
        ):
            raise BadInputError(
                "graph.control_flow", node=node.name or node.output[0], operator=node.op_type
            )


def _passed_on(graph: onnx.GraphProto) -> Mapping[str, str]:
    """Return other names for values that a node merely passes on, each by its lasting name."""
    outputs = {value.name for value in graph.output}
    fixed = outputs | {value.name for value in graph.input}
    fixed |= {proto.name for proto in graph.initializer}
    renamed: dict[str, str] = {}
    for node in graph.node:
        if node.op_type not in _PASSING:
            continue
        source, target = _lasting(node.input[0], renamed), node.output[0]
        if target not in outputs:
            renamed[target] = source
        elif source not in fixed:
            renamed[source] = target
    return renamed


def _lasting(name: str, renamed: Mapping[str, str]) -> str:
    while name in renamed:
        name = renamed[name]
    return name


def _without_passing(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes but those that pass a value on; constants go to the other constants."""
    for node in graph.node:
        if node.op_type == "Constant" and not node.domain:
            graph.initializer.append(_constant(node))
    renamed = _passed_on(graph)
    for node in graph.node:
        node.input[:] = [_lasting(name, renamed) for name in node.input]
        node.output[:] = [_lasting(name, renamed) for name in node.output]
        passes = node.op_type in _PASSING and node.input[0] == node.output[0]
        if not passes and (node.op_type != "Constant" or node.domain):
            yield node


def _constant(node: onnx.NodeProto) -> TensorProto:
    (attribute,) = node.attribute
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        tensor = TensorProto()
        tensor.CopyFrom(value)
        tensor.name = node.output[0]
        return tensor
    if attribute.name not in _CONSTANTS:
        raise BadInputError("graph.constant_unknown", constant=node.output[0])
    return numpy_helper.from_array(np.asarray(value, _CONSTANTS[attribute.name]), node.output[0])


def _without_skip(node: onnx.NodeProto) -> tuple[onnx.NodeProto, ...]:
    """Return a residual and a norm where one node does both: the residual is where cuts are."""
    if node.op_type not in _SKIP_NORMS:
        return (node,)
    kind, bias = _SKIP_NORMS[node.op_type]
    inputs = [*node.input, "", "", ""]
    total = node.output[3] if len(node.output) > 3 and node.output[3] else node.output[0] + ".sum"
    added = inputs[0]
    nodes = []
    if inputs[bias]:
        added = total + ".biased"
        nodes.append(helper.make_node("Add", [inputs[0], inputs[bias]], [added], added))
    nodes.append(helper.make_node("Add", [added, inputs[1]], [total], total))
    epsilon = {each.name: each.f for each in node.attribute}.get("epsilon", 1e-12)
    own = [total, *(name for name in inputs[2:bias] if name)]
    norm = helper.make_node(kind, own, [node.output[0]], node.name, axis=-1, epsilon=epsilon)
    return (*nodes, norm)


def _needed(nodes: Sequence[onnx.NodeProto], outputs: Iterable[str]) -> list[onnx.NodeProto]:
    needed, kept = set(outputs), []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    return kept[::-1]


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Forget constants that no node reads, and inputs that are constants with a default."""
    read = {name for node in graph.node for name in node.input}
    kept = [proto for proto in graph.initializer if proto.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    constants = {proto.name for proto in kept}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)


def _widen(graph: onnx.GraphProto) -> None:
    """Turn every float into float32; tensors beside the graph are widened as they are read."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type in FLOATS:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ("to", "dtype") and attribute.i in FLOATS:
                attribute.i = TensorProto.FLOAT
            if attribute.HasField("t") and attribute.t.data_type in FLOATS:
                attribute.t.CopyFrom(_widened(attribute.t))


def _widened(proto: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(proto).astype(np.float32)
    return numpy_helper.from_array(values, proto.name)
