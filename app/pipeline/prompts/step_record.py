"""The steps of an attempt as the host knows them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from app.core.identifiers import TransactionId
from workers.protocol.sampling_rule import UNSTEERED, Steering
from workers.protocol.wire import Tensor


@dataclass(frozen=True)
class StepRecord:
    """A step as the host sent it, or knows of it: what the first stage must have received."""

    step: int
    position: int
    tokens: tuple[int, ...]
    wants_token: bool
    generated: int
    by_ring: bool = False
    """Whether the last stage sent it to the first, and not the host."""
    steering: Steering = UNSTEERED
    """What its token is chosen by besides the rule."""
    pixels: Tensor | None = field(default=None, compare=False, repr=False)
    """Sent in place of the tokens, which only stand for them: `u1 [1, tokens, numbers]`."""

    @property
    def inputs(self) -> Tensor:
        """What the first stage is sent: `i8 [1, tokens]`, or pixels."""
        return np.array([self.tokens], dtype="<i8") if self.pixels is None else self.pixels

    @property
    def end(self) -> int:
        """How many rows are in the cache after it."""
        return self.position + len(self.tokens)

    @property
    def choice(self) -> Steering | None:
        """What a last stage signs that it chose by; None where nothing was to be chosen."""
        return self.steering if self.wants_token else None

    def unanswered(self) -> StepRecord:
        """Return the step as whoever resumes from it signs for it: nobody wants its token."""
        return replace(self, wants_token=False, generated=0, steering=UNSTEERED)


@dataclass(frozen=True)
class KeptPrefix:
    """The first steps of a transaction, of which every stage still has the rows in a slot."""

    slot: int
    transaction: TransactionId
    steps: tuple[StepRecord, ...]
    ancestors: frozenset[TransactionId] = frozenset()
    """The transactions that this one's own first rows came from."""

    @property
    def rows(self) -> int:
        """How many rows these are."""
        return self.steps[-1].end if self.steps else 0

    @property
    def lineage(self) -> frozenset[TransactionId]:
        """All whose rows these are."""
        return self.ancestors | {self.transaction}
