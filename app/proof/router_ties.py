"""Rows of which a router may have chosen other experts: of two scores so close either is right.

Which experts a row goes to is a jump: a last bit decides it, and the row is another one then. So
where a stage with experts does not compare as it should, its routers are looked at: a row near a
tie passes either way; those after it, which read what it left in the cache, by their share alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import onnx

from app.core.errors import WorkerError, reason_of
from app.proof.case import AuditCase
from app.proof.execution import Reexecution
from app.proof.rounding import WRONG_ABOVE, row_shares
from app.proof.tolerance import hidden_deviation
from workers.engine.hidden import computed_form
from workers.engine.replay import Replay
from workers.errors import ReportedError
from workers.protocol.wire import Tensor

CLOSE: Final = 1e-3
"""Distance of scores, as a share of the largest, that the order of additions may undo."""
ROUNDED: Final = 0.1
"""The same where activations are rounded, or a row before was another one."""
REPLACED: Final = 2.0
"""Share of what a stage added that other experts may change: all of it, to its opposite."""


def routers_of(graph_path: Path) -> tuple[tuple[str, int], ...]:
    """Return the scores that a graph chooses experts by, and how many it chooses."""
    graph = onnx.load(str(graph_path), load_external_data=False).graph
    stored = {each.name: each for each in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    found = []
    for node in graph.node:
        if node.op_type == "TopK" and node.input[1] in stored and node.input[0] in makers:
            flat = makers[node.input[0]]
            scores = flat.input[0] if flat.op_type == "Reshape" else node.input[0]
            chosen = int(onnx.numpy_helper.to_array(stored[node.input[1]]).ravel()[0])
            found.append((scores, chosen))
    return tuple(found)


def margins(case: AuditCase) -> Tensor | None:
    """Return how close each row of all steps comes to other experts, `[rows]`; None without any.

    As a share of the row's largest score, of the closest router. Raises `WorkerError` where the
    stage cannot be run here.
    """
    routers = routers_of(case.graph_path)
    if not routers:
        return None
    names = [name for name, _ in routers]
    try:
        replay = Replay(case.graph_path, case.shape, case.threads, case.boundary, names)
        for step in case.steps:
            replay.step(step.position, step.inputs)
        rows = sum(int(step.inputs.shape[1]) for step in case.steps)
        shown = [
            np.stack(replay.open(range(place * rows, (place + 1) * rows)).rows)
            for place in range(len(routers))
        ]
    except ReportedError as error:
        raise WorkerError(
            "audit.not_run",
            stage=case.receipt.stage,
            transaction=case.receipt.transaction,
            reason=reason_of(error),
        ) from error
    pairs = zip(shown, (chosen for _, chosen in routers), strict=True)
    closest: Tensor = np.stack([_margin(*each) for each in pairs]).min(axis=0)
    return closest


def excused(case: AuditCase, results: Sequence[Reexecution], margin: Tensor) -> list[Reexecution]:
    """Return results with the rows excused that other experts explain, and those that follow.

    Of a stage with a head, whose rows nobody sees, what is told from the first such row on is not
    held against the phone.
    """
    close = ROUNDED if case.parts else CLOSE
    ends = np.cumsum([step.inputs.shape[1] for step in case.steps])
    if case.shape.has_head:
        tied = np.maximum.accumulate(margin <= close)
        return [
            replace(each, deviation=min(each.deviation or 0.0, 1.0)) if tied[end - 1] else each
            for each, end in zip(results, ends, strict=True)
        ]
    return list(_excused_rows(case, results, margin, close))


def _excused_rows(
    case: AuditCase, results: Sequence[Reexecution], margin: Tensor, close: float
) -> Iterator[Reexecution]:
    place, replaced = 0, False
    for step, result in zip(case.steps, results, strict=True):
        claimed, committed = step.claimed, result.committed
        if claimed is None or claimed.shape != committed.shape:
            yield result
            place += step.inputs.shape[1]
            continue
        entered = np.zeros_like(committed) if case.shape.has_embedding else step.inputs
        shares = row_shares(claimed, committed, computed_form(entered)[0][None])
        worst = 0.0
        for row, share in enumerate(shares):
            off = hidden_deviation(claimed[:, row : row + 1], committed[:, row : row + 1])
            tied = margin[place] <= (ROUNDED if replaced else close)
            if off > 1 and tied:
                replaced, off = True, float(share) / REPLACED
            elif off > 1 and replaced:
                off = float(share) / WRONG_ABOVE
            worst, place = max(worst, off), place + 1
        yield replace(result, deviation=worst)


def _margin(scores: Tensor, chosen: int) -> Tensor:
    """Return how far each row's last chosen is ahead of the next, as a share of the largest."""
    ordered = -np.sort(-scores.astype(np.float64), axis=-1)
    if chosen >= ordered.shape[-1]:
        return np.full(len(ordered), np.inf)
    largest = np.maximum(np.abs(ordered).max(axis=-1), np.finfo(np.float32).tiny)
    gap: Tensor = (ordered[:, chosen - 1] - ordered[:, chosen]) / largest
    return gap
