"""Where two signed roots over the same tensors differ: on an edge, whose two ends nobody blames."""

from __future__ import annotations

import numpy as np

from app.core.identifiers import Serial
from app.proof.edges import edge_disputes
from app.rack.settlement.concluded import ConcludedAttempt, sent_tokens
from workers.identity.merkle import root_hash
from workers.identity.transcript import step_leaves


def disputed_edges(
    attempt: ConcludedAttempt, proven: frozenset[Serial]
) -> tuple[tuple[Serial, Serial], ...]:
    """Return sender and receiver of every edge whose two roots cover the same steps and differ.

    Either lies, or what lies between them changed what was sent: no signature tells which. Edges
    at whose end somebody is `proven` wrong are left out: that explains them.
    """
    serials = [span.stage.serial for span in attempt.spans]
    bodies = {body.stage: body for body in attempt.bodies.values()}
    edges = [
        (serials[dispute.sender], serials[dispute.receiver])
        for dispute in edge_disputes(bodies)
        if bodies[dispute.sender].steps == bodies[dispute.receiver].steps
    ]
    if _fed_otherwise(attempt):
        edges.append((serials[-1], serials[0]))
    return tuple(edge for edge in edges if proven.isdisjoint(edge))


def _fed_otherwise(attempt: ConcludedAttempt) -> bool:
    """Tell whether the first stage signed for other tokens than the last told the host of.

    One of the two lies: the last sent another token, or the first says that it did.
    """
    first = attempt.spans[0].stage.serial
    body = attempt.bodies.get(first)
    if body is None or not attempt.by_ring:
        return False
    received, steps = attempt.transcripts.get(first), attempt.steps[: body.steps]
    if received is None:
        sent = [leaf for step in steps for leaf in step_leaves(sent_tokens(step), step.position)]
        return root_hash(sent).hex() != body.input_root
    pairs = zip(steps, received, strict=False)
    return any(step.by_ring and not np.array_equal(sent_tokens(step), fed) for step, fed in pairs)
