"""What came of an experiment: figures of cheats, honest phones and requests, and its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.identifiers import Serial
from app.faults.experiments.plan import Experiment
from app.faults.kinds import FaultKind
from app.faults.specifications import SPECIFICATIONS, Catcher

LEAST_HARM = 0.02
"""A fall of reputation below this is the spread of an estimate and no harm."""


class ExperimentVerdict(StrEnum):
    """What an experiment showed, the worst first."""

    DECEIVED = "deceived"
    """A text that stands is wrong."""
    HARM = "harm"
    """An honest phone lost stake or its place, or a text was not finished."""
    MISSED = "missed"
    """A fault was caught by nobody, too late, or by something else than it should be."""
    STOPPED = "stopped"
    """Somebody stopped it, or it could not go on."""
    AS_EXPECTED = "as-expected"


@dataclass(frozen=True)
class Account:
    """What of a phone changed from before to after; amounts in micro-credits."""

    stake_lost: int
    earned: int
    reputation_before: float
    reputation_after: float
    state: str
    """Its state at the end, by the name of `DeviceState`."""


@dataclass(frozen=True)
class CheatOutcome:
    """What became of a phone with a fault."""

    serial: Serial
    name: str
    kind: FaultKind
    fault: str
    """Its text form without the phone."""
    caught_by: Catcher | None
    caught_after_s: float | None
    """From when it was injected."""
    audits_before: int
    """How many audits had ended, of all phones, up to and with the one that caught it."""
    account: Account
    stood_s: float = 0.0
    """From when it was injected to the end of its pass."""

    @property
    def as_expected(self) -> bool:
        """Whether it was caught by who should, in time, or by nobody where nobody need."""
        told = SPECIFICATIONS[self.kind]
        if self.caught_by is None or self.caught_after_s is None:
            return Catcher.NOBODY in told.caught_by and self.stood_s <= told.unnoticed_s
        return self.caught_by in told.caught_by and (
            self.caught_after_s <= told.within_s or Catcher.NOBODY in told.caught_by
        )


@dataclass(frozen=True)
class HonestOutcome:
    """What became of a phone without a fault."""

    serial: Serial
    name: str
    account: Account

    @property
    def harmed(self) -> bool:
        """Whether it lost stake, its reputation, or its place."""
        account = self.account
        fell = account.reputation_before - account.reputation_after > LEAST_HARM
        return account.stake_lost > 0 or fell or account.state == "jailed"


@dataclass(frozen=True)
class RequestOutcome:
    """What became of one request."""

    identifier: str
    state: str
    tokens_wanted: int
    tokens_settled: int
    taken_back: int
    """Tokens that were shown and did not stand."""
    failovers: int
    audits: int
    took_s: float
    right: bool | None
    """Whether it is the text without faults; None where there is none to compare with."""
    token_times_s: tuple[float, ...] = ()
    """When tokens came, from the beginning of its round."""

    @property
    def finished(self) -> bool:
        """Whether all of its text stands."""
        return self.state == "settled"


@dataclass(frozen=True)
class Happening:
    """Something on the timeline, from the beginning of its round."""

    at_s: float
    kind: str
    serial: str
    fact: str
    """As JSON, to be said in whatever language."""


@dataclass(frozen=True)
class StageSeries:
    """What a phone's stage took, token by token."""

    serial: Serial
    points: tuple[tuple[float, float], ...]
    """Seconds from the beginning of the round, milliseconds."""


@dataclass(frozen=True)
class Round:
    """One pass; number 0 is the one without faults."""

    number: int
    took_s: float
    cheats: tuple[CheatOutcome, ...]
    honest: tuple[HonestOutcome, ...]
    requests: tuple[RequestOutcome, ...]
    happenings: tuple[Happening, ...]
    stages: tuple[StageSeries, ...]

    @property
    def tokens_lost(self) -> int:
        """Tokens taken back, and those wanted that never came."""
        return sum(
            each.taken_back + max(each.tokens_wanted - each.tokens_settled, 0)
            for each in self.requests
            if each.taken_back or not each.finished
        )


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment with all that came of it."""

    identifier: str
    wall_ms: int
    """When it began."""
    rack: str
    model: str
    experiment: Experiment
    rounds: tuple[Round, ...]
    stopped: str = ""
    """Why it did not come to its end, as a fact in JSON; empty where it did."""

    @property
    def faulty(self) -> tuple[Round, ...]:
        """The rounds in which something was injected."""
        return tuple(each for each in self.rounds if each.number > 0)

    @property
    def cheats(self) -> tuple[CheatOutcome, ...]:
        """What became of phones with faults, of all rounds."""
        return tuple(cheat for each in self.faulty for cheat in each.cheats)

    @property
    def harmed(self) -> tuple[HonestOutcome, ...]:
        """Honest phones that lost something."""
        return tuple(one for each in self.faulty for one in each.honest if one.harmed)

    @property
    def verdict(self) -> ExperimentVerdict:
        """What it showed."""
        requests = [one for each in self.faulty for one in each.requests]
        if any(one.right is False for one in requests if one.finished):
            return ExperimentVerdict.DECEIVED
        if self.harmed:
            return ExperimentVerdict.HARM
        if self.stopped or not self.faulty:
            return ExperimentVerdict.STOPPED
        if any(not one.finished for one in requests):
            return ExperimentVerdict.HARM
        missed = any(not each.as_expected for each in self.cheats)
        return ExperimentVerdict.MISSED if missed else ExperimentVerdict.AS_EXPECTED
