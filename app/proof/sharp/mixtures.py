"""Layers of experts as one operator each: what chooses and sends rows is not walked through.

Which experts a row goes to is a jump (`app.proof.router_ties`), so that states between a router's
scores and the sum of what experts made are nobody's to compare. Everything else of such a stage is
judged: attention, norms, sums and the router's own product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.proof.sharp.graph import Operator

EXPERTS: Final = "Experts"
_TOP: Final = "TopK"


def without_experts(nodes: Sequence[Operator]) -> tuple[Operator, ...]:
    """Return a graph's nodes, in order, with one in the place of all that mix experts.

    It reads the rows that came to them, and makes what they add up to.
    """
    makers = {name: node for node in nodes for name in node.outputs}
    chosen = {_scores(node, makers) for node in nodes if node.kind == _TOP}
    kept: list[Operator] = []
    for node in nodes:
        if chosen.isdisjoint(node.inputs):
            kept.append(node)
        elif (hidden := _given_back(node, makers)) is None:
            chosen.update(node.outputs)
        else:
            kept.append(_mixture(node, hidden))
    return tuple(kept)


def _scores(node: Operator, makers: Mapping[str, Operator]) -> str:
    """Return what a choice of the largest is made by: scores, before they are made shares of."""
    name = node.inputs[0]
    while name in makers and makers[name].kind == "Softmax":
        name = makers[name].inputs[0]
    return name


def _given_back(node: Operator, makers: Mapping[str, Operator]) -> str | None:
    """Return the rows whose shape a sum is brought into, where that is what a node does."""
    if node.kind != "Reshape":
        return None
    shape = makers.get(node.inputs[1])
    return shape.inputs[0] if shape is not None and shape.kind == "Shape" else None


def _mixture(node: Operator, hidden: str) -> Operator:
    return type(node)(node.number, EXPERTS, (hidden,), node.outputs, {})
