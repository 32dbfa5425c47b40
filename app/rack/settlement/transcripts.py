"""Fetching from phones what audits need: what the stages received, step by step."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.pipeline.attempt import Attempt
from app.pipeline.collection import TensorForm, transcript
from app.pipeline.prompts.step_record import StepRecord
from app.rack.layers.spans import Applied, SpanOnPhone
from workers.identity.receipts import ReceiptBody
from workers.protocol.wire import Tensor

_log = logging.getLogger("shardloom.rack")


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


async def fetch_transcripts(
    attempt: Attempt,
    applied: Applied,
    due: frozenset[Serial],
    bodies: Mapping[Serial, ReceiptBody],
) -> Transcripts:
    """Return the transcripts that audits need, and who did not give one."""
    transcripts: dict[Serial, Sequence[Tensor]] = {}
    refused: set[Serial] = set()
    gone: set[Serial] = set()
    offences: dict[Serial, Fact] = {}
    for index in stages_to_fetch(applied.spans, due, attempt.steps):
        stage, body = attempt.stages[index], bodies.get(attempt.stages[index].serial)
        if body is None:
            continue
        forms = _input_forms(attempt, applied.spans[index], body.steps)
        try:
            transcripts[stage.serial] = await transcript(stage, attempt.transaction, forms)
        except ShardloomError as error:
            _log.info("no transcript: %s", error)
            silent = isinstance(error, PhoneLostError)
            (gone if silent else refused).add(stage.serial)
            if not stage.client.lost:
                offences[stage.serial] = Fact("offence.hid_its_inputs")
    return Transcripts(transcripts, offences, frozenset(refused), frozenset(gone))


def _input_forms(attempt: Attempt, span: SpanOnPhone, steps: int) -> list[TensorForm]:
    """Return what a stage must have received, step by step."""
    shape, boundary = span.shape, attempt.terms.boundary
    return [
        TensorForm("i8", (1, len(step.tokens)))
        if shape.takes_tokens(step.position)
        else TensorForm(boundary.value, (1, len(step.tokens), shape.hidden_size))
        for step in attempt.steps[:steps]
    ]


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
