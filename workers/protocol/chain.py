"""Chains of a model's blocks, and spans of them: what a phone holds is said in these everywhere.

A chain is a row of like blocks (layers) that hidden states go through one after the other; they
count from 0 in each chain. What stands before the first block (the embedding) and behind the last
(the head) goes with it and has no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from workers.protocol.bounds import FieldError, Integer

MAXIMUM_BLOCKS: Final = 4_096


class ChainName(StrEnum):
    """What a chain does; a model has each at most once."""

    ENCODER = "encoder"
    """Takes in all of a text, a picture or a sound at once."""
    DECODER = "decoder"
    """Goes on token by token."""


MAXIMUM_CHAINS: Final = len(ChainName)


@dataclass(frozen=True)
class Span:
    """Blocks `first` to `end - 1` of a chain: one at least."""

    chain: ChainName
    first: Annotated[int, Integer(0, MAXIMUM_BLOCKS - 1)]
    end: Annotated[int, Integer(1, MAXIMUM_BLOCKS)]

    def __post_init__(self) -> None:
        """Raise `FieldError` where there is no block in it."""
        if not 0 <= self.first < self.end:
            raise FieldError("field.not_above", field="end", first=self.first)

    @property
    def last(self) -> int:
        """The last block."""
        return self.end - 1

    @property
    def block_count(self) -> int:
        """Number of blocks."""
        return self.end - self.first

    @property
    def blocks(self) -> range:
        """The numbers of its blocks."""
        return range(self.first, self.end)

    def shared_with(self, other: Span) -> Span | None:
        """Return the blocks of both, or None where there are none."""
        first, end = max(self.first, other.first), min(self.end, other.end)
        return Span(self.chain, first, end) if self.chain == other.chain and first < end else None

    def holds(self, other: Span) -> bool:
        """Tell whether all blocks of the other are among these."""
        return self.shared_with(other) == other
