"""Where two neighbours in the ring signed different things about what passed between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workers.identity.receipts import ReceiptBody


@dataclass(frozen=True)
class EdgeDispute:
    """One of the two did not sign what it sent or received; an audit of the sender tells which."""

    transaction: str
    sender: int
    """The stage, from 0."""
    receiver: int
    output_root: str
    input_root: str


def edge_disputes(receipts: Mapping[int, ReceiptBody]) -> list[EdgeDispute]:
    """Return the edges whose two roots differ, in ring order; `receipts` is by stage.

    An edge with one receipt only is left out: there is nothing to compare.
    """
    return [
        EdgeDispute(
            sender.transaction,
            stage,
            stage + 1,
            sender.output_root,
            receipts[stage + 1].input_root,
        )
        for stage, sender in sorted(receipts.items())
        if stage + 1 in receipts and receipts[stage + 1].input_root != sender.output_root
    ]
