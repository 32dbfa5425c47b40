"""Making a conviction of a sharp test that found something wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.proof.convicting.accusing import deviation, needed_leaves
from app.proof.convicting.conviction import ALL_OF_IT, Accused, Conviction
from app.proof.convicting.narrowing import narrowed_proof
from app.proof.sharp.convincing import drawn_in, sharp_case
from app.proof.sharp.draws import Draw, Leaf
from app.proof.sharp.evidence import SharpEvidence, ShownRows
from app.proof.sharp.graph import StageGraph
from app.proof.sharp.judging import SharpCase, choice_of, compare, end_of
from app.proof.sharp.operators import is_product
from app.proof.sharp.recomputed import Recomputed
from app.proof.sharp.verdict import SharpReason, SharpVerdict
from app.proof.weights.proven import ShownChunks
from app.proof.weights.source import FolderWeights, WatchedWeights
from workers.identity.states import row_hash
from workers.identity.weight_tree import WeightFile
from workers.protocol.wire import Tensor

_Opened = dict[Leaf, Tensor]


def convict(
    test: SharpEvidence,
    verdict: SharpVerdict,
    store: Path,
    model: bytes,
    files: Iterable[WeightFile],
) -> Conviction:
    """Return what convinces strangers of a verdict on a sharp test that is against the phone.

    `store` holds graph and weights by their SHA-256, `model` is the manifest's content, `files` are
    the shard's. Raises `BadInputError`, `NotCoveredError` or `ReceiptError` for a test that says
    nothing of the kind.
    """
    receipt, statement, sharp = sharp_case(test, store)
    opened = _opened(test, sharp)
    accused = _accused(test, sharp, verdict, opened)
    content = (store / receipt.graph).read_bytes()
    watched = WatchedWeights(FolderWeights(store))
    needed = needed_leaves(sharp, accused)
    few = {leaf: opened[leaf] for leaf in needed.values()}
    looked_at = replace(sharp, graph=StageGraph(content, watched))
    deviation(looked_at, accused, few, test.statement.data)
    return Conviction(
        test=replace(test, shown=tuple(_narrowed(test.shown, statement.leaves, needed))),
        accused=accused,
        graph=content,
        model=model.decode(),
        files=tuple(files),
        chunks=tuple(
            ShownChunks.of(store, file, numbers) for file, numbers in watched.chunks.items()
        ),
    )


def _opened(test: SharpEvidence, sharp: SharpCase) -> _Opened:
    draws = drawn_in(test, sharp)
    leaves = {sharp.number(leaf): leaf for leaf in sharp.wanted(draws, all_ends=test.all_ends)}
    return {leaves[number]: row for some in test.shown for number, row in some.rows.items()}


def _accused(
    test: SharpEvidence, sharp: SharpCase, verdict: SharpVerdict, opened: _Opened
) -> Accused:
    if verdict.reason in (SharpReason.ENDS_ELSEWHERE, SharpReason.CHOSEN_OTHERWISE):
        of_token = verdict.reason is SharpReason.CHOSEN_OTHERWISE
        off = choice_of if of_token else end_of
        states = {sharp.graph.output, None if of_token else sharp.graph.final_state}
        ends = [leaf for leaf in opened if leaf.state in states]
        worst = max(ends, key=lambda leaf: off(sharp, {leaf: opened[leaf]}))
        final_row = worst.state != sharp.graph.output
        return Accused(ALL_OF_IT, worst.place, token=of_token, final_row=final_row)
    draws = [
        drawn
        for drawn in drawn_in(test, sharp)
        if (drawn.operator.name, drawn.row) == (verdict.operator, verdict.row)
    ]
    accused = [_of(sharp, drawn, opened) for drawn in draws]
    return max(accused, key=lambda each: deviation(sharp, each, opened, test.statement.data))


def _of(sharp: SharpCase, drawn: Draw, opened: _Opened) -> Accused:
    number = ALL_OF_IT
    compared = compare(sharp, drawn, opened)
    if compared and is_product(sharp.graph, drawn.operator):
        number = _furthest(*compared[0])
    return Accused(drawn.operator.number, drawn.row, drawn.reads_cache, number)


def _furthest(claimed: Tensor, honest: Recomputed) -> int:
    if claimed.shape != honest.value.shape:
        return ALL_OF_IT
    tiny = np.finfo(np.float32).tiny
    off = np.abs(claimed.astype(np.float64) - honest.value) / (honest.allowed + tiny)
    return int(np.nan_to_num(off, nan=np.inf, posinf=np.inf).argmax())


def _narrowed(
    shown: Sequence[ShownRows], count: int, needed: dict[int, Leaf]
) -> Iterator[ShownRows]:
    for some in shown:
        rows = {number: row for number, row in some.rows.items() if number in needed}
        if rows:
            hashes = {number: row_hash(row) for number, row in some.rows.items()}
            yield ShownRows(rows, tuple(narrowed_proof(count, hashes, some.proof, rows)))
