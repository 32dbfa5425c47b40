"""What a sharp test is given and what it concludes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from app.proof.sharp.draws import Leaf
from workers.protocol.wire import Tensor


class SharpReason(StrEnum):
    """What a sharp test came to."""

    HOLDS = "holds"
    """All that was drawn is what an honest operator gives."""
    OPERATOR = "operator"
    """An operator gave what no order of additions gives."""
    ENDS_ELSEWHERE = "ends-elsewhere"
    """What the replay ends with is not what the receipt is for."""
    CHOSEN_OTHERWISE = "chosen-otherwise"
    """Its figures follow, yet another token was to be chosen by all that was signed for."""
    CHOICE_UNSIGNED = "choice-unsigned"
    """The same, by a receipt of before protocol 12: nothing tells strangers what steered it."""
    OTHER_STATEMENT = "other-statement"
    """What was signed of the replay is not about these steps, this graph or this class."""
    OPENED_OTHERWISE = "opened-otherwise"
    """What was shown is not what was signed for."""
    NOT_COVERED = "not-covered"
    """The stage cannot be looked at so."""


@dataclass(frozen=True)
class Opening:
    """Some leaves as a phone showed them, and what leads from them to its root."""

    rows: Mapping[Leaf, Tensor]
    proof: tuple[bytes, ...]


@dataclass(frozen=True)
class SharpVerdict:
    """What came of one stage run again."""

    reason: SharpReason
    operator: str = ""
    """Which one is wrong, or not covered."""
    row: int = -1
    deviation: float = 0.0
    """The largest of all that was looked at, in what is allowed: above 1 is wrong."""
    looked_at: int = 0
    """Operators, each in one row."""
    not_judged: int = 0
    """Of those drawn besides: the phone's rounding is not reproduced here."""
    exact_end: bool = False
    """Whether the replay ends with the very bits of the receipt."""
    worst: Mapping[str, float] = field(default_factory=dict)
    """The largest deviation by kind of operator."""

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the phone."""
        return self.reason in (SharpReason.HOLDS, SharpReason.NOT_COVERED)
