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
    drafts: int = 0
    """How many drafts it carried."""
    accepted: int = 0
    """How many of them were right: so many answers and one more came of the step."""
    proposed: tuple[int, ...] = ()
    """Drafts that the host may send behind the token."""
    left: int = 0
    """How many answers to drafts follow this one."""
    by_draft: bool = False
    """Whether this is the answer to a draft."""
    size_bytes: int = 0
    """Of the message it came in."""


def by_transaction(
    message: Token | Broken, size_bytes: int = 0
) -> list[tuple[TransactionId, StepAnswer | Broken]]:
    """Return what a message of so many bytes from the ring says of each transaction it names."""
    if isinstance(message, Broken):
        return [(TransactionId(name), message) for name in message.transactions]
    if message.drafts:
        return [
            (TransactionId(row.transaction), _of_drafted(message, index, size_bytes))
            for index, row in enumerate(message.rows)
        ]
    rows = len(message.rows)
    return [
        (
            TransactionId(row.transaction),
            StepAnswer(
                row,
                message.trace,
                message.tensors,
                rows,
                proposed=message.proposed if rows == 1 else (),
                size_bytes=size_bytes,
            ),
        )
        for row in message.rows
    ]


def _of_drafted(message: Token, index: int, size_bytes: int) -> StepAnswer:
    return StepAnswer(
        message.rows[index],
        message.trace,
        drafts=message.drafts,
        accepted=len(message.rows) - 1,
        proposed=message.proposed,
        left=len(message.rows) - 1 - index,
        by_draft=index > 0,
        size_bytes=size_bytes,
    )
