"""Layer by layer: what each matrix is multiplied with, and its rounding by that.

A layer is run as its checkpoint has it, behind layers that are rounded already: so it also makes
their errors good. Then it runs once more as it was rounded, for the layer behind it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.models.calibration.block_run import BlockRun, Rows
from app.models.calibration.recording import RecordingGraph, as_rows
from app.models.families.interface import BlockPlan, Family, Weight
from app.models.graphs.graph import ShardGraph
from app.models.quantization.block_wise import BLOCK_COLUMNS
from app.models.quantization.error_feedback import Moments, round_with_feedback
from app.models.shards import GraphSpan, add_span
from app.models.store import BlobStore
from app.models.tensors import PendingTensor, StoredTensor, write_blob

MOMENTS_BYTES: Final = 512 << 20
"""Of all matrices of a layer; where more would be needed they are kept in narrower squares."""
WIDEST: Final = 4096

Float32Array = NDArray[np.float32]
Pieces = Callable[[Weight], Iterator[Float32Array]]
"""Reads a weight as float32 rows, a few megabytes at a time."""
Tensors = Mapping[str, StoredTensor]
Codes = tuple[NDArray[np.uint8], Float32Array]


@dataclass
class Calibrator:
    """One import's texts on their way through the model.

    `texts` are token ids [1, tokens]; `store` has the blocks that are rounded, `tables` what all
    layers read beside.
    """

    family: Family
    store: BlobStore
    tables: Mapping[str, NDArray[np.float32]]
    pieces: Pieces
    texts: Sequence[NDArray[np.int64]]
    _states: list[Rows] = field(default_factory=list)
    _passed: int = 0
    _moments: dict[str, Moments] = field(default_factory=dict)

    def advance(self, layer: int, stored: Tensors) -> None:
        """Take the texts to before a layer, through stored blocks that they have not passed."""
        if not self._states:
            embedding = GraphSpan(range(0), has_embedding=True, has_head=False)
            self._states = self._through(embedding, stored, self.texts)
        for passed in range(self._passed, layer):
            self._states = self._through(_of_layer(passed), stored, self._states)
        self._passed = max(layer, self._passed)

    def watch(self, layer: int, plan: BlockPlan) -> None:
        """Run a layer as its checkpoint has it, and count what its matrices are multiplied with."""
        with tempfile.TemporaryDirectory(
            dir=self.store.folder.parent, prefix="calibrating-"
        ) as name:
            folder = BlobStore(Path(name))
            graph = RecordingGraph(self._written(folder, plan))
            add_span(graph, self.family, _of_layer(layer))
            run = BlockRun(graph.serialize("watched"), folder.folder, self.family.dimensions)
        self._count(run, graph)

    def rounded(self, weight: Weight) -> Iterator[Codes]:
        """Yield a watched weight's codes and scales, expert by expert where it has many."""
        parts = [name for name in self._moments if _is_of(name, weight.name)]
        rows = weight.shape[0] // max(1, len(parts))
        for name, matrix in zip(parts, _in_pieces_of(rows, self.pieces(weight)), strict=True):
            found = round_with_feedback(matrix, self._moments[name])
            yield found.codes, found.scales

    def knows(self, weight: Weight) -> bool:
        """Return whether the watched layer multiplies by a weight."""
        return any(_is_of(name, weight.name) for name in self._moments)

    def _through(self, span: GraphSpan, stored: Tensors, rows: Sequence[Rows]) -> list[Rows]:
        graph = ShardGraph(stored)
        add_span(graph, self.family, span)
        content = graph.serialize("rounded")
        run = BlockRun(content, self.store.folder, self.family.dimensions)
        return [run.run(each)[0] for each in rows]

    def _written(self, folder: BlobStore, plan: BlockPlan) -> Tensors:
        """Write a layer's weights as float32, and what it reads of others, into such a folder."""
        weights = [
            PendingTensor(weight.name, weight.element, weight.shape, self.pieces(weight))
            for weight in (*plan.weights, *self._others(plan))
        ]
        tables = [
            PendingTensor(name, str(values.dtype), values.shape, (values,))
            for name, values in self.tables.items()
        ]
        written = [write_blob(folder, tensors)[1] for tensors in (weights, tables) if tensors]
        return {tensor.name: tensor for tensors in written for tensor in tensors}

    def _others(self, plan: BlockPlan) -> Iterator[Weight]:
        """Yield what a layer reads of other blocks, such as biases by distance."""
        wanted = {shared.name for shared in plan.shared} - set(self.tables)
        for each in self.family.plans():
            yield from (weight for weight in each.weights if weight.name in wanted)

    def _count(self, run: BlockRun, graph: RecordingGraph) -> None:
        outputs = list(dict.fromkeys(chain.from_iterable(graph.recorded.values())))
        self._moments = {}
        by_outputs: dict[tuple[str, ...], Moments] = {}
        for rows in self._states:
            found = dict(zip(outputs, run.run(rows, outputs)[1:], strict=True))
            by_outputs = by_outputs or _empty_moments(graph, found)
            for several, moments in by_outputs.items():
                for output in several:
                    moments.add(as_rows(found[output]))
        self._moments = {name: by_outputs[several] for name, several in graph.recorded.items()}


def _empty_moments(
    graph: RecordingGraph, found: Mapping[str, Float32Array]
) -> dict[tuple[str, ...], Moments]:
    """Return moments for each set of outputs that some weight is multiplied with."""
    columns = {several: found[several[0]].shape[-1] for several in graph.recorded.values()}
    widest = _widest(list(columns.values()))
    return {several: Moments(count, widest) for several, count in columns.items()}


def _of_layer(layer: int) -> GraphSpan:
    return GraphSpan(range(layer, layer + 1), has_embedding=False, has_head=False)


def _is_of(name: str, weight: str) -> bool:
    """Return whether a product's name is that of a weight or of one of its equal parts."""
    return name == weight or (name.startswith(weight + ".") and name[len(weight) + 1 :].isdigit())


def _widest(columns: Sequence[int]) -> int:
    """Return how wide squares may be so that all together keep within memory."""
    most = MOMENTS_BYTES // (4 * max(1, sum(columns)))
    return max(BLOCK_COLUMNS, min(most, WIDEST) // BLOCK_COLUMNS * BLOCK_COLUMNS)


def _in_pieces_of(rows: int, pieces: Iterator[Float32Array]) -> Iterator[Float32Array]:
    """Yield matrices of so many rows from pieces of any."""
    waiting: list[Float32Array] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(map(len, waiting)) < rows:
            continue
        joined = np.concatenate(waiting)
        whole = len(joined) // rows
        for index in range(whole):
            yield joined[index * rows : (index + 1) * rows]
        waiting = [joined[whole * rows :]] if len(joined) > whole * rows else []
