"""The Inference Engine Standard as rules: what each is called and which work needs it.

docs/inference-engine-standard.md says what a phone is asked for each and what must come back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial

STANDARD_VERSION: Final = 1
"""What phones are examined by now; a rule more, or a stricter one, is a new version."""


class WorkNeed(StrEnum):
    """What a phone is not given while it breaks a rule."""

    LAYERS = "layers"
    """Any layers at all."""
    ENDS = "ends"
    """The first and the last layers, beside which prompt and answer are made."""


class RuleName(StrEnum):
    """A rule of the standard, as the journal names it."""

    IDENTITY = "identity"
    ECHO = "echo"
    SPEED = "speed"
    ROUNDING = "rounding"
    CACHE = "cache"
    ROWS_F4 = "rows-f4"
    ROWS_F2 = "rows-f2"
    ANSWER = "answer"
    STEERING = "steering"
    TRANSCRIPT = "transcript"
    RECEIPT = "receipt"
    KEPT_ROWS = "kept-rows"
    REFUSES_FILES = "refuses-files"
    REFUSES_WORK = "refuses-work"
    REFUSES_ROWS = "refuses-rows"


@dataclass(frozen=True)
class StandardRule:
    """One rule; `messages` are the kinds of messages that a phone is asked with."""

    name: RuleName
    need: WorkNeed
    messages: tuple[str, ...]


_STEPS: Final = ("open", "step")
_SIGNED: Final = (*_STEPS, "seal")
RULES_OF: Final[Mapping[int, tuple[StandardRule, ...]]] = MappingProxyType(
    {
        1: (
            StandardRule(RuleName.IDENTITY, WorkNeed.LAYERS, ("hello",)),
            StandardRule(RuleName.ECHO, WorkNeed.LAYERS, ("ping",)),
            StandardRule(RuleName.SPEED, WorkNeed.LAYERS, ("measure",)),
            StandardRule(RuleName.ROUNDING, WorkNeed.LAYERS, ("canary",)),
            StandardRule(RuleName.CACHE, WorkNeed.LAYERS, ("load", "unload")),
            StandardRule(RuleName.ROWS_F4, WorkNeed.LAYERS, _SIGNED),
            StandardRule(RuleName.ROWS_F2, WorkNeed.LAYERS, _SIGNED),
            StandardRule(RuleName.ANSWER, WorkNeed.ENDS, _SIGNED),
            StandardRule(RuleName.STEERING, WorkNeed.ENDS, ("open", "steer", "step", "seal")),
            StandardRule(RuleName.TRANSCRIPT, WorkNeed.LAYERS, (*_STEPS, "transcript")),
            StandardRule(RuleName.RECEIPT, WorkNeed.LAYERS, _SIGNED),
            StandardRule(RuleName.KEPT_ROWS, WorkNeed.LAYERS, ("open", "step", "close", "seal")),
            StandardRule(RuleName.REFUSES_FILES, WorkNeed.LAYERS, ("load",)),
            StandardRule(RuleName.REFUSES_WORK, WorkNeed.LAYERS, ("open",)),
            StandardRule(RuleName.REFUSES_ROWS, WorkNeed.LAYERS, _STEPS),
        ),
    }
)
"""By version of the standard, its rules in the order in which they are tried."""


@dataclass(frozen=True)
class RuleOutcome:
    """What came of a rule on a phone; `reason` says why it is broken, None where it holds."""

    name: RuleName
    reason: Fact | None = None


@dataclass(frozen=True)
class Conformance:
    """What came of all rules on a phone, and where the journal holds it."""

    serial: Serial
    version: int
    outcomes: tuple[RuleOutcome, ...]
    numerical_class: str

    @property
    def broken(self) -> tuple[RuleOutcome, ...]:
        """The rules that do not hold."""
        return tuple(each for each in self.outcomes if each.reason is not None)


def kept_from(version: int, broken: Collection[str], need: WorkNeed) -> tuple[str, ...]:
    """Return which of the rules that a phone breaks keep it from such work."""
    rules = RULES_OF.get(version, ())
    return tuple(rule.name.value for rule in rules if rule.name in broken and rule.need is need)
