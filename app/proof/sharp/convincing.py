"""What kept evidence proves to anybody: a pure function of its bytes and the model's own files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import assert_never

from app.core.audit_outcome import SharpOutcome
from app.core.errors import BadInputError, reason_of
from app.proof.case import AuditCase, AuditStep
from app.proof.execution import claimed_tensor
from app.proof.sharp.classes import read_class
from app.proof.sharp.draws import Draw, draw
from app.proof.sharp.evidence import SharpEvidence, ShownRows
from app.proof.sharp.graph import NotCoveredError, StageGraph
from app.proof.sharp.judging import SharpCase, judge
from app.proof.sharp.operators import rounding_of
from app.proof.sharp.verdict import Opening, SharpReason, SharpVerdict
from workers.errors import ReceiptError
from workers.identity.choices import NO_CHOICES, choices_root
from workers.identity.digests import sampling_digest
from workers.identity.grounds import NO_GROUNDS, grounds_root
from workers.identity.merkle import root_hash
from workers.identity.receipts import ReceiptBody, verify_receipt
from workers.identity.states import StatesBody, verify_states
from workers.identity.transcript import step_leaves
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class Judgement:
    """Whose stage evidence is about, and what comes of it."""

    public_key: bytes
    receipt: ReceiptBody
    statement: StatesBody
    verdict: SharpVerdict
    reproduced: bool
    """Whether every rounding of the phone's class is emulated here."""

    @property
    def outcome(self) -> SharpOutcome:
        """What follows; a class that is not reproduced neither fails nor is cleared by numbers.

        Of such a one nobody has looked at the products, whatever else holds: a phone is of it by
        showing another canary than its class is a digest of.
        """
        match self.verdict.reason:
            case SharpReason.HOLDS:
                return SharpOutcome.PASSED if self.reproduced else SharpOutcome.UNAVAILABLE
            case SharpReason.OPERATOR | SharpReason.ENDS_ELSEWHERE | SharpReason.CHOSEN_OTHERWISE:
                return SharpOutcome.FAILED if self.reproduced else SharpOutcome.UNAVAILABLE
            case SharpReason.OTHER_STATEMENT | SharpReason.OPENED_OTHERWISE:
                return SharpOutcome.REFUSED
            case SharpReason.NOT_COVERED | SharpReason.CHOICE_UNSIGNED:
                return SharpOutcome.UNAVAILABLE
            case reason:
                assert_never(reason)


def convinces(evidence: bytes, store: Path) -> Judgement:
    """Return what evidence proves, judged again from its first signature on.

    The graph and its weights are read from `store`, by their hashes. Raises `BadInputError` where
    the bytes are no evidence, or signatures and roots in it do not belong together.
    """
    read = SharpEvidence.read(evidence)
    receipt, statement = signed_parts(read)
    try:
        _receipt, _statement, sharp = sharp_case(read, store)
    except NotCoveredError as error:
        verdict = SharpVerdict(SharpReason.NOT_COVERED, operator=str(error))
        return Judgement(read.public_key, receipt, statement, verdict, reproduced=False)
    verdict = _judged(read, sharp, statement)
    return Judgement(read.public_key, receipt, statement, verdict, is_reproduced(sharp))


def signed_parts(read: SharpEvidence) -> tuple[ReceiptBody, StatesBody]:
    """Return what the phone signed, before and of the run. Raises `BadInputError`."""
    try:
        receipt = verify_receipt(read.receipt.data, read.receipt.signature, read.public_key)
        statement = verify_states(read.statement.data, read.statement.signature, read.public_key)
    except ReceiptError as error:
        raise BadInputError("proof.signature_refused", reason=reason_of(error)) from None
    return receipt, statement


def sharp_case(
    read: SharpEvidence, store: Path, graph: StageGraph | None = None
) -> tuple[ReceiptBody, StatesBody, SharpCase]:
    """Return what was signed, and the case with its graph: that one, or the one in the store.

    Raises `BadInputError`, and `NotCoveredError` where the stage cannot be judged so.
    """
    receipt, statement = signed_parts(read)
    rounding = read_class(read.canary, receipt.numerical_class)
    return receipt, statement, SharpCase.of(_case(read, receipt, store), rounding, graph)


def drawn_in(read: SharpEvidence, sharp: SharpCase) -> tuple[Draw, ...]:
    """Return what was looked at."""
    return draw(sharp.graph, sharp.extent, read.seed, read.rows, read.operators)


def is_reproduced(sharp: SharpCase) -> bool:
    """Tell whether every product of a stage is rounded in a way that is emulated here.

    In one way whether a row comes alone or with others: in decoding it may have been either.
    """
    graph = sharp.graph
    ways = [
        {rounding_of(graph, operator, rows, sharp.rounding) for rows in (1, 2)}
        for operator in graph.operators
    ]
    return all(len(way) == 1 and None not in way for way in ways)


def _case(read: SharpEvidence, receipt: ReceiptBody, store: Path) -> AuditCase:
    """Return the case that evidence is about, as far as the receipt was signed for it."""
    if sampling_digest(read.sampling) != receipt.sampling or read.shape.blocks != receipt.blocks:
        raise BadInputError("proof.other_receipt")
    inputs = [step.inputs for step in read.steps]
    if len(inputs) != receipt.steps or _root(read.steps, inputs) != receipt.input_root:
        raise BadInputError("proof.other_receipt")
    if not _chosen_as_signed(read, receipt) or not _grounds_as_signed(read, receipt):
        raise BadInputError("proof.other_receipt")
    return AuditCase(
        receipt=receipt,
        steps=_signed_for(read, receipt),
        graph_path=store / receipt.graph,
        shape=read.shape,
        sampling=read.sampling,
        threads=1,
        boundary=receipt.boundary,
        alternatives=receipt.alternatives,
    )


def _chosen_as_signed(read: SharpEvidence, receipt: ReceiptBody) -> bool:
    """Tell whether all that tokens are said to be chosen by is what the phone signed that it was.

    Before protocol 12 it signed nothing of the kind, and no token counts (`sharp.ends`).
    """
    if receipt.choices is None:
        return True
    if not read.shape.has_head:
        return receipt.choices == NO_CHOICES
    return receipt.choices == choices_root(step.choice for step in read.steps)


def _grounds_as_signed(read: SharpEvidence, receipt: ReceiptBody) -> bool:
    """Tell whether all that tokens are said to rest on is what the phone signed that they do.

    Before protocol 14 it signed nothing of the kind.
    """
    if receipt.grounds is None:
        return True
    if not read.shape.has_head:
        return receipt.grounds == NO_GROUNDS
    return receipt.grounds == grounds_root(step.grounds for step in read.steps)


def _signed_for(read: SharpEvidence, receipt: ReceiptBody) -> tuple[AuditStep, ...]:
    """Return the steps with their outputs where these are what the phone signed for.

    Others prove nothing: they are what somebody else says that it sent.
    """
    shape: SpanShape = read.shape
    outputs = [claimed_tensor(step, shape) for step in read.steps]
    known = [output for output in outputs if output is not None]
    if len(known) == len(outputs) and _root(read.steps, known) == receipt.output_root:
        return read.steps
    return tuple(replace(step, claimed=None) for step in read.steps)


def _judged(read: SharpEvidence, sharp: SharpCase, statement: StatesBody) -> SharpVerdict:
    draws = drawn_in(read, sharp)
    leaves = {sharp.number(leaf): leaf for leaf in sharp.wanted(draws, all_ends=read.all_ends)}
    if any(not leaves.keys() >= shown.rows.keys() for shown in read.shown):
        return SharpVerdict(SharpReason.OPENED_OTHERWISE)

    def opening(shown: ShownRows) -> Opening:
        return Opening({leaves[number]: row for number, row in shown.rows.items()}, shown.proof)

    return judge(sharp, statement, draws, [opening(shown) for shown in read.shown])


def _root(steps: tuple[AuditStep, ...], tensors: list[Tensor]) -> str:
    pairs = zip(steps, tensors, strict=True)
    leaves = [leaf for step, tensor in pairs for leaf in step_leaves(tensor, step.position)]
    return root_hash(leaves).hex()
