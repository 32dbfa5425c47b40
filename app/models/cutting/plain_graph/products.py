"""Writes products with weights, and look-ups of rows, in one form of our own.

Exporters write `MatMul`, `Gemm` or `FusedMatMul`, over weights turned or not. As `Linear` and
`Rows` they can be quantised, and a head tied to the embedding is seen to be so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import onnx
from onnx import TensorProto, helper

from app.models.cutting.plain_graph.graph_parts import PlainGraph
from app.models.cutting.plain_graph.interface import constant_attribute
from app.models.cutting.plain_graph.onnx_file import FLOATS, OnnxTensors
from app.models.graphs.graph import INPUT_IDS

DOMAIN = "shardloom"
LINEAR = "Linear"
"""Inputs: rows [..., columns] and a matrix; attribute `turned` where it lies as [columns, rows]."""
ROWS = "Rows"
"""Inputs: a matrix and the indices of the rows to take."""
_PRODUCTS = ("MatMul", "Gemm", "FusedMatMul")
_PLAIN_PRODUCT = {"transA": 0, "transBatchA": 0, "transBatchB": 0}


def with_products(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with every product with a weight as `Linear`, and look-ups as `Rows`."""
    graph = PlainGraph(model)
    nodes = [new for node in graph.nodes for new in _rewritten(graph, node)]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _rewritten(graph: PlainGraph, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    if _looks_tokens_up(graph, node):
        yield _own(ROWS, node)
        return
    weight = _weight(graph, node)
    if weight is None:
        yield node
        return
    name, turned = weight
    has_bias = len(node.input) > 2 and bool(node.input[2])
    product = node.output[0] + ".product" if has_bias else node.output[0]
    linear = _own(LINEAR, node, [node.input[0], name], product)
    linear.attribute.append(helper.make_attribute("turned", int(turned)))
    yield linear
    if has_bias:
        yield helper.make_node("Add", [product, node.input[2]], node.output, node.name + ".bias")


def _looks_tokens_up(graph: PlainGraph, node: onnx.NodeProto) -> bool:
    is_lookup = node.op_type == "Gather" and not constant_attribute(node, "axis", 0)
    return is_lookup and node.input[1] == INPUT_IDS and _is_matrix(graph, node.input[0])


def _own(
    kind: str, node: onnx.NodeProto, inputs: Sequence[str] = (), output: str = ""
) -> onnx.NodeProto:
    outputs = [output or node.output[0]]
    return helper.make_node(kind, inputs or node.input, outputs, node.name, domain=DOMAIN)


def _weight(graph: PlainGraph, node: onnx.NodeProto) -> tuple[str, bool] | None:
    """Return the constant matrix that a product's rows are multiplied with, and if it is turned."""
    if node.op_type not in _PRODUCTS:
        return None
    attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    turned = not attributes.pop("transB", 0)
    plain = all(attributes.pop(name, value) == value for name, value in _PLAIN_PRODUCT.items())
    if not plain or any(value != 1.0 for value in attributes.values()):
        return None
    name = node.input[1]
    while (producer := graph.producers.get(name)) is not None:
        if producer.op_type == "Transpose" and _is_matrix(graph, producer.input[0]):
            turned = not turned
        elif producer.op_type != "Cast" or not _is_matrix(graph, producer.input[0]):
            return None
        name = producer.input[0]
    return (name, turned) if _is_matrix(graph, name) else None


def _is_matrix(graph: PlainGraph, name: str) -> bool:
    proto = graph.constants.get(name)
    return proto is not None and len(proto.dims) == 2 and proto.data_type in FLOATS


def tie_copies(model: onnx.ModelProto, tensors: OnnxTensors) -> onnx.ModelProto:
    """Let products read the embedding itself where they have a copy of it, turned or not."""
    graph = PlainGraph(model)
    tables = {node.input[0] for node in graph.nodes if node.op_type == ROWS}
    digests: dict[tuple[str, bool], str] = {}

    def digest(name: str, turned: bool) -> str:  # noqa: FBT001 - private
        key = (name, turned)
        if key not in digests:
            digests[key] = _digest(tensors, name, turned)
        return digests[key]

    for node in graph.nodes:
        if node.op_type != LINEAR:
            continue
        turned = bool(constant_attribute(node, "turned", 0))
        shape = _rows_shape(graph.constants, node.input[1], turned)
        for table in tables:
            is_alike = tuple(graph.constants[table].dims) == shape and table != node.input[1]
            if is_alike and digest(table, False) == digest(node.input[1], turned):
                node.input[1] = table
                del node.attribute[:]
                break
    return model


def _rows_shape(
    constants: Mapping[str, TensorProto],
    name: str,
    turned: bool,  # noqa: FBT001 - private
) -> tuple[int, ...]:
    shape = tuple(constants[name].dims)
    return shape[::-1] if turned else shape


def _digest(tensors: OnnxTensors, name: str, turned: bool) -> str:  # noqa: FBT001 - private
    digest = hashlib.sha256()
    for piece in tensors.pieces(name, transposed=turned):
        digest.update(piece.tobytes())
    return digest.hexdigest()
