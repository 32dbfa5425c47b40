"""What workers say of their own accord, one transaction at a time, and texts for people."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import TransactionId
from workers.protocol.told import Broken, Timing, Token, ToldToken
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StepAnswer:
    """What the last stage says of a step of one transaction."""

    row: ToldToken
    trace: tuple[Timing, ...]
    tensors: tuple[Tensor, ...] = ()


def by_transaction(message: Token | Broken) -> list[tuple[TransactionId, StepAnswer | Broken]]:
    """Return what a message from the ring says of each transaction it names."""
    if isinstance(message, Broken):
        return [(TransactionId(name), message) for name in message.transactions]
    return [
        (TransactionId(row.transaction), StepAnswer(row, message.trace, message.tensors))
        for row in message.rows
    ]
