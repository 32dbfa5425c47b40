"""What workers say of their own accord, one transaction at a time, and texts for people."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import TransactionId
from workers.protocol.step_message import TraceEntry
from workers.protocol.told import Broken, Token, ToldToken
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StepAnswer:
    """What the last stage says of a step of one transaction."""

    row: ToldToken
    trace: tuple[TraceEntry, ...]
    tensors: tuple[Tensor, ...] = ()
    rows: int = 1
    """How many transactions shared the step."""
    size_bytes: int = 0
    """Of the message it came in."""


def by_transaction(
    message: Token | Broken, size_bytes: int = 0
) -> list[tuple[TransactionId, StepAnswer | Broken]]:
    """Return what a message of so many bytes from the ring says of each transaction it names."""
    if isinstance(message, Broken):
        return [(TransactionId(name), message) for name in message.transactions]
    rows = len(message.rows)
    return [
        (
            TransactionId(row.transaction),
            StepAnswer(row, message.trace, message.tensors, rows, size_bytes),
        )
        for row in message.rows
    ]
