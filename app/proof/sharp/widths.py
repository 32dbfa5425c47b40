"""How wide the rows of a stage's states are, known before any is shown."""

from __future__ import annotations

from app.proof.sharp.graph import CODED_PRODUCT, EXPERTS, NotCoveredError, Operator, StageGraph
from workers.protocol.span_shape import SpanShape


def width(graph: StageGraph, shape: SpanShape, name: str) -> int:
    """Return how many numbers a row of a value has. Raises `NotCoveredError` where that is open."""
    if name == graph.input:
        return shape.hidden_size
    maker = graph.maker(name)
    if maker is None:
        raise NotCoveredError(name)
    match maker.kind:
        case "GroupQueryAttention":
            heads = "num_heads" if name == maker.outputs[0] else "kv_num_heads"
            return int(maker.attributes[heads]) * shape.head_size
        case "Split":
            return int(graph.weight(maker.inputs[1])[maker.outputs.index(name)])
        case "Gather" if graph.is_weight(maker.inputs[0]):
            return int(graph.weight_shape(maker.inputs[0])[-1])
        case _ if maker.kind == EXPERTS:
            return width(graph, shape, maker.inputs[0])
        case "GatherBlockQuantized":
            scales = graph.weight_shape(maker.inputs[2])
            return int(scales[-1]) * int(maker.attributes["block_size"])
        case "FusedMatMul":
            return graph.weight_shape(maker.inputs[1])[0]
        case _ if maker.kind == CODED_PRODUCT:
            return int(maker.attributes["N"])
        case _:
            return _widest(graph, shape, maker)


def _widest(graph: StageGraph, shape: SpanShape, maker: Operator) -> int:
    """Return the width of what an operator treats number by number."""
    rows = (name for name in maker.inputs if name and not graph.is_weight(name))
    return max(width(graph, shape, name) for name in rows if name not in graph.beside)
