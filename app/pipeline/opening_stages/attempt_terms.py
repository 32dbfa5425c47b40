"""How one attempt is made: how tokens are chosen and told, what the ring may do by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.pipeline.prompts.prefill_window import MOST_CHUNKS
from app.pipeline.step_limits import StepPace
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import AskedTokens, SamplingRule
from workers.protocol.wire import Tensor

PREFILL_CHUNK_TOKENS = 64


@dataclass(frozen=True)
class AttemptTerms:
    """How tokens are chosen and told, and what the ring may do by itself."""

    vocabulary_size: int
    pace: StepPace
    chunk_tokens: int = PREFILL_CHUNK_TOKENS
    """How much of a prompt goes in one step."""
    most_chunks: int = MOST_CHUNKS
    """How many of these steps are under way at a time."""
    sampling: SamplingRule = field(default_factory=SamplingRule)
    boundary: Boundary = Boundary.F32
    alternatives: int = 0
    """How many of the likeliest tokens are shown with each one chosen."""
    end_tokens: frozenset[int] = frozenset()
    closed: bool = False
    """Whether the last stage feeds the first, so that several tokens are decoded on end."""
    history: tuple[int, ...] | None = None
    """The text so far, where a closed ring may draft tokens from it; None where it may not."""
    asked: AskedTokens | None = None
    """Which tokens the last stage is to choose, by the host's own word."""

    source_tokens: int = 0
    """How many of the first tokens an encoder reads, in one step; 0 of one chain."""
    pictures: Mapping[int, Tensor] = field(default_factory=dict)
    """What is sent in place of tokens, `u1 [1, rows, numbers]`, by the first one's position."""

    @property
    def picture_rows(self) -> dict[int, int]:
        """How many tokens each picture stands for, by the first one's position."""
        return {at: pixels.shape[1] for at, pixels in self.pictures.items()}

    @property
    def committed_alternatives(self) -> int:
        """How many of the likeliest tokens the last stage commits to, shown or not."""
        return max(self.alternatives, COMMITTED_ALTERNATIVES)
