"""A part of a plain graph as a session of its own, to see what it computes."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import onnxruntime
from onnx import helper

from app.models.cutting.plain_graph.graph_parts import PlainGraph
from workers.engine.session import ERRORS_ONLY


def open_part(
    graph: PlainGraph,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
) -> onnxruntime.InferenceSession:
    """Return a session of some nodes, with the constants they read, on one thread."""
    read = {name for node in nodes for name in node.input}
    constants = [proto for name, proto in graph.constants.items() if name in read]
    part = helper.make_graph(nodes, "part", inputs, outputs, constants)
    model = helper.make_model(part, opset_imports=graph.model.opset_import, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
