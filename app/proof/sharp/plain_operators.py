"""Norms, activations and sums of one row recomputed, with what float32 may do to them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from app.proof.sharp.graph import NotCoveredError, Operator
from app.proof.sharp.recomputed import UNIT, Recomputed, gamma
from workers.protocol.wire import Tensor

_APPROXIMATED: Final = 4e-7
"""How far onnxruntime's polynomials for tanh, logistic and error function may lie off, of 1."""
_Rows = Sequence[Tensor]


def rms_norm(operator: Operator, inputs: _Rows) -> Recomputed:
    """Divide each part of a row, as long as the scale, by its root mean square."""
    _require_usual(operator)
    scale = inputs[1].astype(np.float64)
    rows = inputs[0].astype(np.float64).reshape(-1, len(scale))
    squares = (rows**2).mean(axis=1, keepdims=True) + operator.attributes["epsilon"]
    value = (rows / np.sqrt(squares) * scale).ravel()
    return Recomputed(value, (gamma(len(scale)) + 8 * UNIT) * np.abs(value))


def layer_norm(operator: Operator, inputs: _Rows) -> Recomputed:
    """Bring a row to mean 0 and variance 1; its variance may be taken from two sums."""
    _require_usual(operator)
    row, scale = inputs[0].astype(np.float64), inputs[1].astype(np.float64)
    shift = inputs[2].astype(np.float64) if len(inputs) > 2 else 0.0
    variance = row.var() + operator.attributes.get("epsilon", 1e-5)
    normed = (row - row.mean()) / math.sqrt(variance)
    many = gamma(len(row)) + 8 * UNIT
    centre = many * np.abs(row).mean() / math.sqrt(variance)
    width = many * (row**2).mean() / variance
    allowed = np.abs(scale) * (centre + np.abs(normed) * width) * 2
    value = normed * scale + shift
    return Recomputed(value, allowed + 8 * UNIT * (np.abs(value) + np.abs(shift)))


def _require_usual(operator: Operator) -> None:
    """Raise `NotCoveredError` for a norm of anything but each row by itself, in float32."""
    usual = {"axis": -1, "stash_type": 1}
    if any(operator.attributes.get(name, each) != each for name, each in usual.items()):
        raise NotCoveredError(operator.name)


def elementwise(operator: Operator, inputs: _Rows) -> Recomputed:
    """Recompute what treats each number by itself. Raises `NotCoveredError` for others."""
    rows = [each.astype(np.float64) for each in inputs]
    if operator.kind in _EXACT:
        value = _EXACT[operator.kind](*rows)
        return Recomputed(value, 2 * UNIT * np.abs(value))
    if operator.kind == "Gelu":
        return _gelu(rows[0], tanh=operator.attributes.get("approximate") == b"tanh")
    if operator.kind not in _BENT:
        raise NotCoveredError(operator.name)
    value = _BENT[operator.kind](rows[0])
    return Recomputed(value, np.full(value.shape, _APPROXIMATED) + 4 * UNIT * np.abs(value))


def _gelu(row: Tensor, *, tanh: bool) -> Recomputed:
    if tanh:
        inner = math.sqrt(2 / math.pi) * (row + 0.044715 * row**3)
        share = (1 + np.tanh(inner)) / 2
        steep = 16 * UNIT * np.abs(inner) * (1 - np.tanh(inner) ** 2)
    else:
        share = (1 + np.vectorize(math.erf, otypes=[float])(row / math.sqrt(2))) / 2
        steep = 4 * UNIT * np.abs(row) * np.exp(-(row**2) / 2)
    value = row * share
    entered = 4 * UNIT * np.abs(row)
    return Recomputed(
        value, np.abs(row) * (_APPROXIMATED + steep) + 8 * UNIT * np.abs(value) + entered
    )


def _logistic(row: Tensor) -> Tensor:
    small = np.exp(-np.abs(row))
    value: Tensor = np.where(row >= 0, 1, small) / (1 + small)
    return value


_EXACT: Final[Mapping[str, Callable[..., Tensor]]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": np.divide,
    "Relu": lambda row: np.maximum(row, 0),
}
_BENT: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {"Sigmoid": _logistic, "Tanh": np.tanh}
