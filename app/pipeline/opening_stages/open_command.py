"""What a stage is told when a transaction opens."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.identifiers import TransactionId
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.pipeline.prompts.step_record import KeptPrefix
from app.pipeline.slots import Seat
from app.pipeline.stage import Stage
from workers.protocol.commands import HISTORY_TOKENS, NextHop, Open, Resumption, SignedTerms


def open_command(
    transaction: TransactionId,
    stages: Sequence[Stage],
    index: int,
    seat: Seat,
    terms: AttemptTerms,
    signed_terms: SignedTerms,
) -> Open:
    """Return what tells one of the stages of a transaction; it begins with the seat's rows."""
    stage, is_last = stages[index], index + 1 == len(stages)
    previous = stages[index - 1].client.address.public_key
    history = None if terms.history is None else terms.history[-HISTORY_TOKENS:]
    return Open(
        transaction=transaction,
        span=stage.span,
        stage=index,
        slot=seat.slot,
        sampling=terms.sampling,
        alternatives=terms.committed_alternatives,
        boundary=terms.boundary,
        next=None if is_last else _hop(stage, stages[index + 1]),
        first=_hop(stage, stages[0]) if is_last and terms.closed else None,
        end_tokens=tuple(sorted(terms.end_tokens)) if is_last else (),
        previous=previous if index > 0 or terms.closed else None,
        resume=None if seat.prefix is None else _resumption(seat.prefix),
        terms=signed_terms,
        history=history if is_last else None,
        asked=terms.asked if is_last else None,
    )


def _hop(stage: Stage, other: Stage) -> NextHop:
    address = other.client.address
    return NextHop(stage.client.endpoint_of(address), address.public_key)


def _resumption(prefix: KeptPrefix) -> Resumption:
    return Resumption(prefix.transaction, prefix.slot, len(prefix.steps), prefix.rows)
