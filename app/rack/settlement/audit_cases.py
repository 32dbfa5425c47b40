"""What an audit is given of an attempt that ended: inputs, claimed outputs, the shard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.proof.case import AuditCase, AuditStep
from app.proof.stage_parts import StagePart, part_shape
from app.rack.layers.spans import SpanOnPhone
from app.rack.settlement.concluded import ConcludedAttempt, sent_tokens
from workers.engine.processor import numerical_class
from workers.protocol.wire import Tensor

AUDIT_THREADS: Final = 1


def is_auditable(attempt: ConcludedAttempt, index: int) -> bool:
    """Tell whether a stage's receipt is due for an audit and there is what it takes."""
    serial = attempt.spans[index].stage.serial
    if serial not in attempt.due or attempt.bodies[serial].steps > len(attempt.steps):
        return False
    if index + 1 == len(attempt.spans) and attempt.grounds is None:
        return False
    return serial in attempt.transcripts or (index == 0 and not attempt.by_ring)


def case_of(attempt: ConcludedAttempt, index: int, store: Path) -> AuditCase:
    """Return a stage's receipt with what it received and is said to have sent."""
    span = attempt.spans[index]
    body = attempt.bodies[span.stage.serial]
    inputs = _inputs(attempt, index)
    outputs = _outputs(attempt, index)
    grounds = (attempt.grounds or ()) if index + 1 == len(attempt.spans) else ()
    steps = [
        AuditStep(
            position=step.position,
            inputs=inputs[number],
            wants_token=step.wants_token,
            generated=step.generated,
            claimed=outputs[number] if number < len(outputs) else None,
            steering=step.steering,
            grounds=grounds[number] if number < len(grounds) else None,
        )
        for number, step in enumerate(attempt.steps[: min(body.steps, len(inputs))])
    ]
    return AuditCase(
        receipt=body,
        steps=tuple(steps),
        graph_path=store / span.shard.graph.sha256,
        shape=replace(span.shape, slots=1),
        sampling=attempt.sampling,
        threads=AUDIT_THREADS,
        boundary=attempt.boundary,
        alternatives=attempt.alternatives,
        parts=parts_of(span, store),
        all_parts=all_parts_of(span, store),
        host_class=numerical_class(AUDIT_THREADS),
        registered_class=attempt.classes.get(span.stage.serial, ""),
        ran_together=attempt.ran_together,
    )


def blobs_of(span: SpanOnPhone) -> tuple[str, ...]:
    """Return the hashes of all files that running a span again takes."""
    shard = span.shard
    blobs = (shard.graph, *shard.blobs, *(part.graph for part in shard.parts))
    return tuple(dict.fromkeys(blob.sha256 for blob in blobs))


def parts_of(span: SpanOnPhone, store: Path) -> tuple[StagePart, ...]:
    """Return what a quantised span does part by part; none of another."""
    return all_parts_of(span, store) if span.shard.quantized else ()


def all_parts_of(span: SpanOnPhone, store: Path) -> tuple[StagePart, ...]:
    """Return what a span that has parts does part by part, quantised or not."""
    return tuple(
        StagePart(
            store / part.graph.sha256,
            part_shape(span.shape, has_embedding=part.has_embedding, has_head=part.has_head),
        )
        for part in span.shard.parts
    )


def _inputs(attempt: ConcludedAttempt, index: int) -> Sequence[Tensor]:
    """Return what a stage received, step by step.

    For the first stage that is what the host sent it, and its word for what the last stage did.
    """
    serial = attempt.spans[index].stage.serial
    if index > 0:
        return attempt.transcripts[serial]
    if not attempt.by_ring:
        return [sent_tokens(step) for step in attempt.steps]
    pairs = zip(attempt.steps, attempt.transcripts[serial], strict=False)
    return [received if step.by_ring else sent_tokens(step) for step, received in pairs]


def _outputs(attempt: ConcludedAttempt, index: int) -> Sequence[Tensor | None]:
    """Return what a stage sent on: the next one's inputs, or the answers."""
    if index + 1 < len(attempt.spans):
        return attempt.transcripts.get(attempt.spans[index + 1].stage.serial, ())
    return attempt.answers_by_step
