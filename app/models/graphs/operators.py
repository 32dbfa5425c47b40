"""What layers are made of, as onnxruntime computes it: norms, activations, soft caps."""

from __future__ import annotations

import numpy as np

from app.models.errors import UnusualModelError
from app.models.graphs.graph import ShardGraph
from app.models.tensors import BIAS_SUFFIX

_GELU = {"gelu": "none", "gelu_new": "tanh", "gelu_fast": "tanh", "gelu_pytorch_tanh": "tanh"}
ACTIVATIONS = ("silu", "relu", "quick_gelu", *_GELU)
"""By the names that checkpoints use."""
_END = 2**63 - 1
"""Of a slice that takes all that is left."""


def require_activation(name: str) -> str:
    """Return the name. Raises `BadInputError` for an activation that is not known here."""
    if name not in ACTIVATIONS:
        raise UnusualModelError("family.activation", activation=name, known=ACTIVATIONS)
    return name


def activate(graph: ShardGraph, value: str, name: str) -> str:
    """Apply an activation to every element."""
    if name == "silu":
        return graph.operator("Mul", [value, graph.operator("Sigmoid", [value])])
    if name == "quick_gelu":
        steep = scaled(graph, value, 1.702)
        return graph.operator("Mul", [value, graph.operator("Sigmoid", [steep])])
    if name == "relu":
        return graph.operator("Relu", [value])
    return graph.operator("Gelu", [value], approximate=_GELU[name])


def gated_halves(graph: ShardGraph, both: str, activation: str) -> str:
    """Activate the first half of the columns and multiply it with the second."""
    gate, up = f"gate.{both}", f"up.{both}"
    graph.operator("Split", [both], [gate, up], axis=-1, num_outputs=2)
    return graph.operator("Mul", [activate(graph, gate, activation), up])


def clamped_pairs(graph: ShardGraph, both: str, alpha: float, limit: float) -> str:
    """Gate every first column of a pair by its second, kept within limits (OpenAI 2025, gpt-oss).

    That is `gate * sigmoid(alpha * gate) * (up + 1)`.
    """
    gate, up = (_every_second(graph, both, first) for first in (0, 1))
    most, least = (graph.constant(f"limit.{sign}", np.float32(sign * limit)) for sign in (1, -1))
    gate = graph.operator("Min", [gate, most])
    up = graph.operator("Clip", [up, least, most])
    opened = graph.operator("Sigmoid", [scaled(graph, gate, alpha)])
    one = graph.constant("one.float", np.float32(1))
    kept = graph.operator("Mul", [gate, opened])
    return graph.operator("Mul", [graph.operator("Add", [up, one]), kept])


def _every_second(graph: ShardGraph, value: str, first: int) -> str:
    """Take every second column from a first one; of no rows there are none."""
    numbers = {"columns.end": _END, "axis.last": -1, "columns.step": 2}
    places = [_numbers(graph, name, [number]) for name, number in numbers.items()]
    begin = _numbers(graph, f"columns.from.{first}", [first])
    return graph.operator("Slice", [value, begin, *places])


def _numbers(graph: ShardGraph, name: str, values: list[int]) -> str:
    return graph.constant(name, np.array(values, np.int64))


def rms_norm(graph: ShardGraph, value: str, name: str, epsilon: float) -> str:
    """Divide by the root mean square over the last axis and scale."""
    return graph.operator(
        "SimplifiedLayerNormalization", [value, graph.weight(name)], axis=-1, epsilon=epsilon
    )


def layer_norm(graph: ShardGraph, value: str, name: str, epsilon: float) -> str:
    """Normalise to mean 0 and variance 1 over the last axis, scale and, where stored, shift."""
    shift = name + BIAS_SUFFIX
    inputs = [value, graph.weight(name), *([graph.weight(shift)] if graph.has(shift) else [])]
    return graph.operator("LayerNormalization", inputs, axis=-1, epsilon=epsilon)


def last_position(graph: ShardGraph, hidden: str) -> str:
    """Return the last token's row: [batch, tokens, hidden] to [batch, hidden]."""
    return graph.operator("Gather", [hidden, graph.constant("last", np.int64(-1))], axis=1)


def scaled(graph: ShardGraph, value: str, factor: float) -> str:
    """Multiply every element by a number; nothing is added for 1."""
    if factor == 1:
        return value
    constant = graph.constant(f"factor.{factor!r}", np.float32(factor))
    return graph.operator("Mul", [value, constant])


def softcap(graph: ShardGraph, value: str, limit: float) -> str:
    """Bend values smoothly to stay between plus and minus `limit`."""
    bound = graph.constant("softcap", np.float32(limit))
    bent = graph.operator("Tanh", [graph.operator("Div", [value, bound])])
    return graph.operator("Mul", [bent, bound])
