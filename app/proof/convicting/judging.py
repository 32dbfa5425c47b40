"""What a conviction proves: a pure function of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from app.core.errors import BadInputError, reason_of
from app.proof.convicting.accusing import deviation, draw_of, needed_leaves
from app.proof.convicting.conviction import ALL_OF_IT, Accused, Conviction
from app.proof.records.json_fields import json_object, record
from app.proof.records.request_text import sha256_of
from app.proof.sharp.convincing import Judgement, is_reproduced, sharp_case, signed_parts
from app.proof.sharp.draws import Leaf
from app.proof.sharp.graph import NotCoveredError, StageGraph
from app.proof.sharp.judging import SharpCase, leads_to, statement_fits
from app.proof.sharp.verdict import Opening, SharpReason, SharpVerdict
from app.proof.weights.proven import ProvenWeights
from workers.errors import ReportedError
from workers.identity.digests import shard_digest
from workers.identity.receipts import ReceiptBody
from workers.identity.states import StatesBody
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

MOST_BYTES: Final = 256 << 20
_BROKEN: Final = (
    ReportedError,
    DecodeError,
    LookupError,
    ArithmeticError,
    TypeError,
    ValueError,
    AttributeError,
    RuntimeError,
    MemoryError,
)
"""What numbers and graphs that do not belong together lead to."""


def convicts(data: bytes) -> Judgement:
    """Return what a conviction proves, worked out from its first signature on.

    Neither files nor keys are needed. Raises `BadInputError` where the bytes are no conviction, or
    signatures, roots and digests in it do not belong together.
    """
    if len(data) > MOST_BYTES:
        raise BadInputError("evidence.too_large")
    try:
        return _judgement(Conviction.read(data))
    except _BROKEN as error:
        raise BadInputError("evidence.broken", reason=reason_of(error)) from None


def _judgement(read: Conviction) -> Judgement:
    key = read.test.public_key
    receipt, statement = signed_parts(read.test)
    _check_named(read, receipt)
    graph = StageGraph(read.graph, ProvenWeights(read.files, read.chunks))
    _check_shape(read.test.shape, graph)
    try:
        _receipt, _statement, sharp = sharp_case(read.test, Path(), graph)
        verdict = _verdict(read, sharp, statement)
    except NotCoveredError as error:
        verdict = SharpVerdict(SharpReason.NOT_COVERED, operator=str(error))
        return Judgement(key, receipt, statement, verdict, reproduced=False)
    return Judgement(key, receipt, statement, verdict, is_reproduced(sharp))


def _check_named(read: Conviction, receipt: ReceiptBody) -> None:
    """Raise `BadInputError` unless graph, weights and model are those that were signed for."""
    if hashlib.sha256(read.graph).hexdigest() != receipt.graph:
        raise BadInputError("evidence.other_graph")
    if shard_digest(receipt.graph, read.files) != receipt.shard:
        raise BadInputError("evidence.other_shard")
    if sha256_of(read.model.encode()) != receipt.terms.model:
        raise BadInputError("evidence.other_model")
    listed = record(json_object(read.model.encode()), "manifest").get("weights")
    known = listed if isinstance(listed, list) else []
    if any(vars(file) not in known for file in read.files):
        raise BadInputError("evidence.other_model")


def _check_shape(shape: SpanShape, graph: StageGraph) -> None:
    """Raise `BadInputError` where a shape tells of other ends than the graph has."""
    ends = (graph.input == "input_ids", graph.output != "hidden_out")
    with_vector = graph.output == "answer"
    answers = shape.has_head and bool(shape.answer_size)
    if (shape.has_embedding, shape.has_head) != ends or with_vector != answers:
        raise BadInputError("evidence.other_graph")


def _verdict(read: Conviction, sharp: SharpCase, statement: StatesBody) -> SharpVerdict:
    if not statement_fits(sharp, statement):
        return SharpVerdict(SharpReason.OTHER_STATEMENT)
    needed, opened = needed_leaves(sharp, read.accused), dict[Leaf, Tensor]()
    for shown in read.test.shown:
        if not needed.keys() >= shown.rows.keys():
            return SharpVerdict(SharpReason.OPENED_OTHERWISE)
        rows = {needed[number]: row for number, row in shown.rows.items()}
        if not leads_to(sharp, statement, Opening(rows, shown.proof)):
            return SharpVerdict(SharpReason.OPENED_OTHERWISE)
        opened |= rows
    if opened.keys() != set(needed.values()):
        return SharpVerdict(SharpReason.OPENED_OTHERWISE)
    return _found(
        sharp,
        read.accused,
        deviation(sharp, read.accused, opened, read.test.statement.data),
    )


def _found(sharp: SharpCase, accused: Accused, off: float) -> SharpVerdict:
    if accused.operator == ALL_OF_IT:
        wrong = SharpReason.CHOSEN_OTHERWISE if accused.token else SharpReason.ENDS_ELSEWHERE
        reason = wrong if off > 1 else SharpReason.HOLDS
        return SharpVerdict(reason, row=accused.row, deviation=off, looked_at=1)
    name = draw_of(sharp, accused).operator.name
    reason = SharpReason.OPERATOR if off > 1 else SharpReason.HOLDS
    return SharpVerdict(reason, operator=name, row=accused.row, deviation=off, looked_at=1)
