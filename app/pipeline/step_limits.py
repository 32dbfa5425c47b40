"""How long a step may be out before it counts as lost, or before a phone counts as stuck.

Three silences end a wait. A stage that says that it computes is given a base and a multiple of
what its own profile or its own steps so far predict. A step that no phone works on is in nobody's
hands, and lost, once it could have crossed the slowest hop several times. The third runs from the
start, for phones that keep saying that they have just begun.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from app.core.identifiers import TransactionId
from app.pipeline.groups import ComputeAndHop

BASE_S: Final = 2.0
"""What a step is given whatever it is predicted to take."""
PREDICTION_FACTOR: Final = 5
"""How many times what is predicted it may take besides."""
TOTAL_S: Final = 30.0
TOTAL_FACTOR: Final = 4
"""How many times the limits of all stages a step may take altogether, and no less than `TOTAL_S`:
it may wait at every stage for the steps of other requests."""
_REMEMBERED = 31
"""Steps whose median is what one usually takes: a hiccup or a burst of them changes nothing."""


@dataclass(frozen=True)
class StepLimits:
    """When the wait for a step ends."""

    stages_s: tuple[float, ...]
    """With a stage at work on one step, by stage."""
    idle_s: float
    """With no phone at work."""
    total_s: float
    overdue_s: float = 0.0
    """From when on a step is later than it should be; nothing is lost by that alone."""


class StepPace:
    """What is known of the time that steps take on one assignment; all its requests share it."""

    def __init__(self, predicted: Sequence[ComputeAndHop], patience: float) -> None:
        """`predicted` tells of one token, by stage; nothing is known where times are 0.

        All times are given `patience` times over.
        """
        self._predicted = tuple(predicted)
        self._patience = patience
        self._under_way: dict[TransactionId, tuple[int, int]] = {}
        self._round_trips_s = _recent()
        self._token_s = [_recent() for _ in predicted]

    def begin(self, transaction: TransactionId, largest: int, together: int) -> None:
        """Note what stages may be computing for a transaction, until this is told anew or `end`.

        Its largest step is of so many tokens, and all its steps together are of so many.
        """
        self._under_way[transaction] = largest, together

    def end(self, transaction: TransactionId) -> None:
        """Note that no stage computes for this transaction any more."""
        self._under_way.pop(transaction, None)

    def step_took(self, tokens: int, step_s: float, compute_s: Iterable[tuple[int, float]]) -> None:
        """Learn from a step and what its trace says of stages.

        Phones write the trace: none can claim more time than the whole step took, and a claim of
        less than is predicted shortens no limit.
        """
        if tokens == 1:
            self._round_trips_s.append(step_s)
        for stage, stage_s in compute_s:
            self._token_s[stage].append(min(stage_s, step_s) / tokens)

    def limits(self, tokens: int) -> StepLimits:
        """Return what a step of so many tokens is given now.

        A stage may be at work on the largest step of any request, and the step may wait there for
        all that is under way.
        """
        largest = max(tokens, *(largest for largest, _ in self._under_way.values()), 1)
        queued = sum(together for _, together in self._under_way.values())
        stages_s = tuple(self._given(largest * token_s) for token_s in self._token_times())
        token_s = sum(times.compute_s + times.hop_s for times in self._predicted)
        crossing_s = tokens * max((times.hop_s for times in self._predicted), default=0.0)
        idle_s = self._given(max(token_s, _usual(self._round_trips_s), crossing_s))
        queued_s = self._given(queued * max(self._token_times(), default=0.0))
        total_s = max(TOTAL_S * self._patience, TOTAL_FACTOR * (sum(stages_s) + idle_s), queued_s)
        overdue_s = sum(stages_s) + idle_s - (len(stages_s) + 1) * self._given(0.0)
        return StepLimits(stages_s, idle_s, total_s, overdue_s)

    def _token_times(self) -> list[float]:
        """Return what each stage is expected to take for a token."""
        return [
            max(times.compute_s, _usual(taken_s))
            for times, taken_s in zip(self._predicted, self._token_s, strict=True)
        ]

    def _given(self, expected_s: float) -> float:
        return self._patience * BASE_S + PREDICTION_FACTOR * expected_s


def _recent() -> deque[float]:
    return deque(maxlen=_REMEMBERED)


def _usual(times_s: Sequence[float]) -> float:
    return median(times_s) if times_s else 0.0
