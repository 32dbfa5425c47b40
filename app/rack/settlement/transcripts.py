"""Fetching from phones what audits need: what the stages received, step by step."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from app.core.errors import PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.pipeline.attempt import Attempt
from app.pipeline.collection import TensorForm, grounds, transcript
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.stage import Stage
from app.rack.layers.spans import Applied, SpanOnPhone
from workers.identity.receipts import ReceiptBody
from workers.protocol.boundary import Boundary
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

_log = logging.getLogger("shardloom.rack")
_Shown = TypeVar("_Shown")


@dataclass(frozen=True)
class Transcripts:
    """What stages received, and what is to be said of those that did not show it."""

    transcripts: Mapping[Serial, Sequence[Tensor]]
    offences: Mapping[Serial, Fact]
    """Of who did not show it though it is there."""
    refused: frozenset[Serial]
    """Who answered, and did not show it."""
    gone: frozenset[Serial]
    """Who did not answer."""
    grounds: Sequence[Tensor | None] | None = None
    """What the last stage's tokens rest on, step by step, where it is to be audited."""


class _TranscriptRequests:
    """Asks one stage after the other, and notes who did not show what it was asked for."""

    def __init__(self) -> None:
        self.offences: dict[Serial, Fact] = {}
        self.refused: set[Serial] = set()
        self.gone: set[Serial] = set()

    async def shown(
        self, stage: Stage, showing: Awaitable[list[_Shown]], hidden: str
    ) -> list[_Shown] | None:
        """Return what a stage shows; where it does not, it did what `hidden` names."""
        try:
            return await showing
        except ShardloomError as error:
            _log.info("no transcript: %s", error)
            silent = isinstance(error, PhoneLostError)
            (self.gone if silent else self.refused).add(stage.serial)
            if not stage.client.lost:
                self.offences[stage.serial] = Fact(hidden)
            return None


async def fetch_transcripts(
    attempt: Attempt,
    applied: Applied,
    due: frozenset[Serial],
    bodies: Mapping[Serial, ReceiptBody],
) -> Transcripts:
    """Return the transcripts that audits need, and who did not give one."""
    transcripts: dict[Serial, Sequence[Tensor]] = {}
    asking = _TranscriptRequests()
    for index in stages_to_fetch(applied.spans, due, attempt.steps):
        stage, body = attempt.stages[index], bodies.get(attempt.stages[index].serial)
        if body is None:
            continue
        forms = _input_forms(attempt, applied.spans[index], body.steps)
        showing = transcript(stage, attempt.transaction, forms)
        shown = await asking.shown(stage, showing, "offence.hid_its_inputs")
        if shown is not None:
            transcripts[stage.serial] = shown
    found = await _grounds(attempt, applied, due, bodies, asking)
    return Transcripts(
        transcripts, asking.offences, frozenset(asking.refused), frozenset(asking.gone), found
    )


async def _grounds(
    attempt: Attempt,
    applied: Applied,
    due: frozenset[Serial],
    bodies: Mapping[Serial, ReceiptBody],
    asking: _TranscriptRequests,
) -> Sequence[Tensor | None] | None:
    """Return what the last stage's tokens rest on; None where that is not to be known."""
    last, shape = attempt.stages[-1], applied.spans[-1].shape
    if last.serial not in due or last.serial in {*asking.refused, *asking.gone}:
        return None
    steps = attempt.steps[: bodies[last.serial].steps]
    if shape.answer_size:
        return [None] * len(steps)
    wanted = [step.wants_token for step in steps]
    showing = grounds(last, attempt.transaction, wanted, shape.hidden_size)
    return await asking.shown(last, showing, "offence.hid_its_grounds")


def _input_forms(attempt: Attempt, span: SpanOnPhone, steps: int) -> list[TensorForm]:
    """Return what a stage must have received, step by step."""
    shape, boundary = span.shape, attempt.terms.boundary
    return [_input_form(shape, boundary, step) for step in attempt.steps[:steps]]


def _input_form(shape: SpanShape, boundary: Boundary, step: StepRecord) -> TensorForm:
    rows, pictured = len(step.tokens), step.pixels is not None
    if shape.takes_pixels(pictured=pictured):
        return TensorForm("u1", (1, rows, shape.picture_width))
    if shape.takes_tokens(step.position, pictured=pictured):
        return TensorForm("i8", (1, rows))
    return TensorForm(boundary.value, (1, rows, shape.hidden_size))


def stages_to_fetch(
    spans: Sequence[SpanOnPhone], due: frozenset[Serial], steps: Sequence[StepRecord]
) -> list[int]:
    """Return the stage indexes whose transcripts audits of the due stages need.

    What the first stage received is known as long as it came from the host.
    """
    serials = [span.stage.serial for span in spans]
    wanted = set()
    for index, serial in enumerate(serials):
        if serial in due:
            wanted.update({index, index + 1})
    first = 0 if any(step.by_ring for step in steps) else 1
    return sorted(index for index in wanted if first <= index < len(serials))
