"""Finds a decoder's layers: the stretches between cut points in which one cache is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.models.cutting.plain_graph.graph_parts import PlainGraph, label
from app.models.cutting.plain_graph.interface import SHAPE_KINDS, Cache, Interface
from app.models.cutting.plain_graph.paths import cut_points

CACHES_A_LAYER = 2
_HIDDEN_RANK = 3


@dataclass(frozen=True)
class Layering:
    """`boundaries` are one more than layers: layer l lies between values l and l + 1.

    `caches` are each layer's keys and values.
    """

    boundaries: tuple[str, ...]
    caches: tuple[tuple[Cache, Cache], ...]
    hidden_size: int


def layers_of(graph: PlainGraph, interface: Interface) -> Layering:
    """Return the layers. Raises `BadInputError` that says where no single tensor carries all."""
    points = cut_points(graph, interface.logits)
    read = _caches_read(graph, interface)
    known = [read.get(point, 0) for point in points]
    hidden_size = _hidden_size(graph, points, known)
    fitting = [
        (point, caches)
        for point, caches in zip(points, known, strict=True)
        if _may_carry(graph, point, hidden_size)
    ]
    stages = list(dict.fromkeys(caches for _, caches in fitting))
    whole = (1 << len(interface.caches)) - 1
    if not stages or stages[0] or stages[-1] != whole:
        raise BadInputError(_nowhere(graph, interface, stages))
    grouped = [_own(interface, after & ~before) for before, after in pairwise(stages)]
    for layer, caches in enumerate(grouped):
        _check_layer(graph, layer, caches)
    return Layering(
        _boundaries(graph, fitting, stages),
        tuple((caches[0], caches[1]) for caches in grouped),
        hidden_size,
    )


def _caches_read(graph: PlainGraph, interface: Interface) -> Mapping[str, int]:
    """Return for each value the set of caches it depends on, one bit a cache."""
    read = {cache.past: 1 << index for index, cache in enumerate(interface.caches)}
    for node in graph.nodes:
        if node.op_type not in SHAPE_KINDS:
            caches = 0
            for name in node.input:
                caches |= read.get(name, 0)
            read.update(dict.fromkeys(node.output, caches))
    return read


def _hidden_size(graph: PlainGraph, points: Sequence[str], known: Sequence[int]) -> int:
    """Return the width of the last value before any cache is read."""
    early = [point for point, caches in zip(points, known, strict=True) if not caches]
    width = _width(graph, early[-1]) if early else None
    if width is None:
        raise BadInputError("graph.no_cut_at_first_layer")
    return width


def _may_carry(graph: PlainGraph, value: str, hidden_size: int) -> bool:
    """Return whether a value is a hidden state, as far as the graph knows its shape."""
    shape = graph.shapes.get(value)
    if shape is None:
        return True
    known = [size for size in shape[-1:] if isinstance(size, int)]
    return len(shape) == _HIDDEN_RANK and known in ([], [hidden_size])


def _width(graph: PlainGraph, value: str) -> int | None:
    shape = graph.shapes.get(value, ())
    size = shape[-1] if len(shape) == _HIDDEN_RANK else None
    return size if isinstance(size, int) else None


def _boundaries(
    graph: PlainGraph, fitting: Sequence[tuple[str, int]], stages: Sequence[int]
) -> tuple[str, ...]:
    """Return the last value before each layer; behind the last one, the same as in those before.

    Within a layer the value after attention is a cut point too, and behind the last layer a norm.
    """
    values = [[point for point, caches in fitting if caches == stage] for stage in stages]
    *before, final = values
    if len(before) > 1:
        last = final[min(len(before[-1]), len(final)) - 1]
    else:
        sums = [point for point in final if graph.producers[point].op_type == "Add"]
        last = (sums or final)[-1]
    return (*(points[-1] for points in before), last)


def _own(interface: Interface, caches: int) -> list[Cache]:
    return [cache for index, cache in enumerate(interface.caches) if caches >> index & 1]


def _check_layer(graph: PlainGraph, layer: int, caches: Sequence[Cache]) -> None:
    if len(caches) == CACHES_A_LAYER:
        return
    last = label(max((graph.readers[cache.past][-1] for cache in caches), key=graph.place))
    if layer:
        raise BadInputError("graph.no_cut", layer=layer, node=last, caches=len(caches))
    raise BadInputError("graph.no_cut_after_embedding", node=last, caches=len(caches))


def _nowhere(graph: PlainGraph, interface: Interface, stages: Sequence[int]) -> Fact:
    read = stages[-1] if stages else 0
    missing = [cache for index, cache in enumerate(interface.caches) if not read >> index & 1]
    layer = max(len(stages) - 1, 0)
    if not missing:
        return Fact("graph.no_cut_after_last", layer=layer)
    node = label(graph.readers[missing[0].past][0])
    return Fact("graph.no_cut_after_node", layer=layer, node=node)
