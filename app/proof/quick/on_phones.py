"""Audits that another phone does: what it is asked, and what its answer is worth.

It is given rows and never what was signed for, so that it cannot answer what suits a cheat that it
does not know. What it answers takes the place of the layers here; all else (embedding, head, every
comparison) is this computer's own, and the outcome can only be that the receipt passed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx

from app.core.audit_outcome import AuditOutcome
from app.core.identifiers import Serial
from app.proof.audit import claimed_root, refusal_of
from app.proof.case import AuditCase, Verdict
from app.proof.quick.nearness import rows_off
from app.proof.quick.together import opened, passes_together, suits, through
from app.proof.rounding import ComparedOutput, RoundingMeasure, row_shares
from app.proof.router_ties import routers_of
from app.proof.stage_parts import OpenEngine, StagePart, open_shard
from app.proof.tolerance import hidden_deviation
from workers.engine.engine import ShardEngine, SpanShape
from workers.engine.hidden import computed_form
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class LayerQuestion:
    """What a phone is asked: to put rows through the layers of a stage, its head left out."""

    part: StagePart
    """With a slot of just so many rows."""
    rows: Tensor
    """`f4 [1, rows, hidden]`; tokens, `i8 [1, rows]`, where the graph has the embedding in it."""
    files: frozenset[str]
    """The weight files that the graph refers to, by their SHA-256."""


@dataclass(frozen=True)
class PhoneAnswer:
    """What a phone says that leaves the layers, `f4 [1, rows, hidden]`."""

    serial: Serial
    question: LayerQuestion
    rows: Tensor


def question_of(case: AuditCase, open_engine: OpenEngine = open_shard) -> LayerQuestion | None:
    """Return what a phone of the receipt's class can be asked; None where rows together show less.

    Blocking: an embedding in front is run here. Raises `workers.errors.ReportedError` where it
    cannot be.
    """
    same_class = _of_phones_class(case)
    if not suits(same_class) or refusal_of(case) is not None:
        return None
    if claimed_root(case) != case.receipt.output_root:
        return None
    rows = computed_form(np.concatenate([step.inputs for step in case.steps], axis=1))
    for part in _parts(case):
        if part.shape.layer_count:
            shape = replace(part.shape, slots=1, context_tokens=rows.shape[1])
            asked = StagePart(part.graph_path, shape)
            return LayerQuestion(asked, rows, _files(part.graph_path))
        rows = through(opened(case, part, rows, open_engine), rows)
    return None


def verdict_by(
    case: AuditCase, answer: PhoneAnswer, open_engine: OpenEngine = open_shard
) -> Verdict | None:
    """Return that a receipt passed by a phone's answer; None where it takes a look here."""
    if not np.isfinite(answer.rows).all():
        return None
    graph = answer.question.part.graph_path

    def open_answered(path: Path, shape: SpanShape, threads: int) -> ShardEngine:
        return _Answered(answer.rows) if path == graph else open_engine(path, shape, threads)

    found = passes_together(_of_phones_class(case), open_answered)
    return found and replace(found, verifier=answer.serial)


def is_right(
    case: AuditCase, answer: PhoneAnswer, open_engine: OpenEngine = open_shard
) -> bool | None:
    """Tell whether an answer is what this computer computes; None where that cannot be told.

    Of quantised weights on another processor only what no rounding explains is wrong. Of a stage
    with experts rows near a tie may honestly be others. Blocking; raises
    `workers.errors.ReportedError` where the layers cannot be run here.
    """
    question = answer.question
    rows = through(opened(case, question.part, question.rows, open_engine), question.rows)
    right = _is_near(case, answer, rows)
    return None if not right and routers_of(case.graph_path) else right


def _is_near(case: AuditCase, answer: PhoneAnswer, rows: Tensor) -> bool:
    if not np.isfinite(answer.rows).all():
        return False
    if not case.parts:
        return hidden_deviation(answer.rows, rows) <= 1
    shares = row_shares(answer.rows, rows, answer.question.rows)
    if not case.rounds_otherwise:
        return rows_off(case, shares) <= 1
    measure = RoundingMeasure.sum_up([shares], ComparedOutput.ROWS)
    return measure.outcome is not AuditOutcome.FAILED


class _Answered(ShardEngine):
    """Layers that gave their answer before."""

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows

    def run(self, slot: int, position: int, inputs: Tensor) -> Tensor:  # noqa: ARG002
        """Return the rows that belong to these."""
        answered: Tensor = self._rows[:, position : position + inputs.shape[1]]
        return answered


def _of_phones_class(case: AuditCase) -> AuditCase:
    """Return the case as one of the same class as the phone's looks at it."""
    return replace(case, host_class="")


def _parts(case: AuditCase) -> Sequence[StagePart]:
    if case.parts or case.shape.has_head:
        return case.all_parts
    return (StagePart(case.graph_path, case.shape),)


def _files(graph_path: Path) -> frozenset[str]:
    graph = onnx.load(str(graph_path), load_external_data=False).graph
    return frozenset(
        each.value
        for tensor in graph.initializer
        for each in tensor.external_data
        if each.key == "location"
    )
