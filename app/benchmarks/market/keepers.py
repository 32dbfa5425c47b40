"""What keepers of simulated phones do: honest work, and ways of cheating on it.

A behaviour says of each stage of work whether it was done, and what is shown when it is audited.
What a cheat saves is what computing costs; what it risks are the ledger's own rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Shown(StrEnum):
    """What an audit is shown of a stage."""

    RIGHT = "right"
    WRONG = "wrong"
    DEVIATES = "deviates"
    """Further than rounding explains, and not wrong for certain."""
    NOTHING = "nothing"
    """The phone refuses."""
    GONE = "gone"
    """The phone does not answer, as one does that lost its power."""


@dataclass(frozen=True)
class StageWork:
    """One stage of one request, as a phone did it."""

    cost_share: float = 1.0
    """Of what honest work costs it."""
    shown: Shown = Shown.RIGHT
    signed: bool = True
    """Whether it gave a receipt at all."""
    equivocates: bool = False
    """Whether it signed something else for somebody else."""
    harms: bool = False
    """Whether the answer is wrong."""


HONEST = StageWork()
_SKIPPED = StageWork(0.02, Shown.WRONG, harms=True)


@dataclass(frozen=True)
class Behaviour:
    """A way to keep a phone; `cheats_at` are the shares of its work that are not honest."""

    name: str
    cheats_at: float = 0.0
    cheat: StageWork = HONEST
    from_day: float = 0.0
    """Honest before; `to_day` and after likewise."""
    to_day: float = 1e9
    begins_anew: bool = False
    """Whether it comes back under a new serial number once it is found out."""
    begins_without_stake: bool = False
    reports_itself: bool = False
    claims: float = 1.0
    """How many times as quick as it is it says that it is."""
    partners: int = 0
    """How many neighbours it shares its lies with."""

    def work(self, day: float, random: Random) -> StageWork:
        """Return how the next stage is done."""
        cheating = self.from_day <= day < self.to_day and random.random() < self.cheats_at
        return self.cheat if cheating else HONEST


CHEATS = (
    Behaviour("slack: a tenth of the work skipped", 0.1, _SKIPPED),
    Behaviour("skips everything", 1.0, _SKIPPED),
    Behaviour("4 bits for 8", 1.0, StageWork(0.6, Shown.DEVIATES, harms=True)),
    Behaviour("copies what it sees of a neighbour", 1.0, _SKIPPED),
    Behaviour("lies and refuses to be audited", 1.0, StageWork(0.02, Shown.NOTHING, harms=True)),
    Behaviour("lies and dies when asked", 1.0, StageWork(0.02, Shown.GONE, harms=True)),
    Behaviour("lazy: signs one receipt in two", 0.5, StageWork(0.02, signed=False)),
    Behaviour("sybil: lies, comes back by a new name", 1.0, _SKIPPED, begins_anew=True),
    Behaviour(
        "sybil without stake, honest until it has some",
        1.0,
        _SKIPPED,
        from_day=2.0,
        begins_anew=True,
        begins_without_stake=True,
    ),
    Behaviour("two neighbours agree on a lie", 0.3, _SKIPPED, partners=1),
    Behaviour("exit scam: honest for six days", 1.0, _SKIPPED, from_day=6.0),
    Behaviour("signs two histories", 0.05, StageWork(1.0, Shown.RIGHT, equivocates=True)),
    Behaviour("lies and reports itself by another name", 0.3, _SKIPPED, reports_itself=True),
    Behaviour("says that it is four times as quick", claims=4.0),
)
"""Each is tried in the place of one honest phone, at the same price."""
