"""What an audit is given and what it concludes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from app.core.audit_outcome import AuditOutcome
from app.proof.stage_parts import StagePart
from workers.engine.engine import SpanShape
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES
from workers.identity.receipts import ReceiptBody
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule, Steering
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class AuditStep:
    """One step as the phone received it, and what it is said to have answered."""

    position: int
    inputs: Tensor
    """`i8 [1, tokens]` on the first stage, else `[1, tokens, hidden]` as the boundary sends it."""
    wants_token: bool
    generated: int
    """Number of the token being generated, from 1; 0 for a prompt chunk that wants none."""
    claimed: Tensor | None = None
    """The output `[1, tokens, hidden]`, on the last stage the token with its figures
    (`workers.identity.answer_leaf`) or the vector that answers; None where unknown."""
    steering: Steering = UNSTEERED
    """What its token was to be chosen by besides the rule."""
    grounds: Tensor | None = None
    """What its token rests on (`workers.identity.grounds`), as the phone showed it."""

    @property
    def choice(self) -> Steering | None:
        """What a last stage signs that it chose by; None where nothing was to be chosen."""
        return self.steering if self.wants_token else None


@dataclass(frozen=True)
class AuditCase:
    """A receipt, the inputs it is about, and the shard to run them through again."""

    receipt: ReceiptBody
    steps: tuple[AuditStep, ...]
    graph_path: Path
    shape: SpanShape
    sampling: SamplingRule
    threads: int
    boundary: Boundary = Boundary.F32
    alternatives: int = COMMITTED_ALTERNATIVES
    """How many of the likeliest tokens the last stage commits to with each one chosen."""
    parts: tuple[StagePart, ...] = ()
    """Of a quantised model, what the shard does part by part."""
    all_parts: tuple[StagePart, ...] = ()
    """The same of a stage with a head too, quantised or not, to run its rows together."""
    host_class: str = ""
    """The numerical class of the computer that audits; empty where it is the phone's."""
    registered_class: str = ""
    """What the phone named when it joined."""
    ran_together: bool = False
    """Whether its rows may have been computed together with others, not to the same last bit."""

    @property
    def other_class(self) -> bool:
        """Whether results equal to the last bit are not to be expected of the phone.

        It must have named another class both when it joined and in its receipt.
        """
        claimed = {self.receipt.numerical_class, self.registered_class}
        return bool(self.host_class) and self.host_class not in claimed

    @property
    def rounds_otherwise(self) -> bool:
        """Whether the phone may round activations otherwise than this computer."""
        return self.other_class and bool(self.parts)


class AuditReason(StrEnum):
    """Why a receipt does not stand."""

    NONE = ""
    INPUTS_DISOWNED = "inputs-disowned"
    """The inputs given are not the ones signed for."""
    INPUTS_UNUSABLE = "inputs-unusable"
    """No honest shard could have computed anything from the inputs signed for."""
    OTHER_SHARD = "other-shard"
    """The receipt names another graph or other layers than agreed."""
    GROUNDS_DISOWNED = "grounds-disowned"
    """What tokens are said to rest on is not what was signed for."""
    OUTPUTS_DISOWNED = "outputs-disowned"
    """The outputs that arrived are not the ones signed for."""
    WRONG_OUTPUT = "wrong-output"
    DEVIATES = "deviates"
    """Further off than another processor's rounding explains, not far enough to be called wrong."""
    NEEDS_OUTPUTS = "needs outputs"
    """Not equal bit for bit; without the outputs nothing more can be said."""


class AuditMethod(StrEnum):
    """How outputs were compared."""

    EXACT = "exact"
    TOLERANCE = "tolerance"
    TOGETHER = "together"
    """Within a tolerance, all rows computed together."""
    ROUNDING = "rounding"
    """By what the rounding of another processor explains."""


@dataclass(frozen=True)
class Verdict:
    """What an audit concludes about one stage of one transaction."""

    transaction: str
    stage: int
    serial: str
    outcome: AuditOutcome
    method: AuditMethod
    reason: AuditReason
    first_bad_step: int | None = None
    """Steps count from 0."""
    first_bad_generated: int | None = None
    """The first generated token (from 1) that depends on the bad step."""
    deviation: float = 0.0
    """How far off it is, in tolerances: above 1 is wrong."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON values that let anybody repeat the audit."""
    verifier: str = ""
    """The phone that did the work again; empty where this computer did."""

    @property
    def passed(self) -> bool:
        """Whether the receipt stands without reserve."""
        return self.outcome is AuditOutcome.PASSED

    @property
    def failed(self) -> bool:
        """Whether the receipt does not stand."""
        return self.outcome is AuditOutcome.FAILED

    @property
    def conclusive(self) -> bool:
        """Whether the verdict is for or against the phone at all."""
        return self.reason is not AuditReason.NEEDS_OUTPUTS


def inputs_are_usable(case: AuditCase) -> bool:
    """Say whether every step has the right type and shape and leaves no gap in the cache."""
    filled = 0
    for step in case.steps:
        if not _fits(step, case.shape, case.boundary) or step.position > filled:
            return False
        filled = step.position + step.inputs.shape[1]
        if filled > case.shape.context_tokens:
            return False
    return True


def _square(shape: SpanShape) -> tuple[int, int]:
    return shape.picture_rows, shape.picture_width


def _fits(step: AuditStep, shape: SpanShape, boundary: Boundary) -> bool:
    inputs = step.inputs
    if step.position < 0 or inputs.ndim < 2 or inputs.shape[0] != 1 or inputs.shape[1] < 1:
        return False
    if shape.takes_pixels(pictured=inputs.ndim > 2):
        return inputs.dtype == np.uint8 and inputs.shape == (1, *_square(shape))
    if not shape.takes_tokens(step.position, pictured=inputs.ndim > 2):
        rows = inputs.ndim == 3 and not (shape.looks and inputs.shape[1] != shape.picture_rows)
        hidden = rows and inputs.shape[2] == shape.hidden_size
        expected = inputs.dtype == np.dtype(f"<{boundary.value}")
        return hidden and expected and bool(np.isfinite(inputs).all())
    tokens = inputs.ndim == 2 and inputs.dtype == np.int64
    return tokens and bool((inputs >= 0).all() and (inputs < shape.vocabulary_size).all())
