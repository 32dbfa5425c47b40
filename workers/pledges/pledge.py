"""What this phone stands by: what it measured itself to do, or what it just did where that is less.

So an honest phone never signs that it stands by more than it did, whoever slows it down and however
its statements are picked from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from workers.identity.canonical import EXACT_INTEGER_LIMIT
from workers.pledges.work_times import HELD_PER_MILLE
from workers.protocol.commands import Measured

_US: Final = 1_000_000


@dataclass(frozen=True)
class Claim:
    """A rate in bytes of weights a second, what a step takes besides, and memory for layers."""

    rate: int
    overhead_us: int
    memory_bytes: int

    def step_us(self, weight_bytes: int) -> int:
        """Return what a step takes that reads so many bytes."""
        return weight_bytes * _US // self.rate + self.overhead_us


class Pledge:
    """What the phone measured of itself. Used from one thread."""

    def __init__(self) -> None:
        self._measured: Measured | None = None
        self._memory_bytes: int | None = None

    def note_speed(self, measured: Measured) -> None:
        """Take over what the phone found that it can do."""
        self._measured = measured

    def note_memory(self, memory_bytes: int) -> None:
        """Take over how much memory there is for layers; the first time counts."""
        if self._memory_bytes is None:
            self._memory_bytes = memory_bytes

    def claim(self, steps: int, taken_us: int, weight_bytes: int, memory_bytes: int) -> Claim:
        """Return what to stand by beside steps that took so long and read so much each."""
        self.note_memory(memory_bytes)
        memory = self._memory_bytes or 0
        if memory_bytes * 1000 < HELD_PER_MILLE * memory:
            memory = memory_bytes
        claim = self._measured_claim(memory)
        claimed_us = steps * claim.step_us(weight_bytes)
        if claimed_us * 1000 >= HELD_PER_MILLE * taken_us:
            return claim
        return _lowered(claim, -(-taken_us // steps), weight_bytes)

    def _measured_claim(self, memory_bytes: int) -> Claim:
        if self._measured is None:
            return Claim(EXACT_INTEGER_LIMIT, 0, memory_bytes)
        rate = min(round(self._measured.weight_bytes_per_second), EXACT_INTEGER_LIMIT)
        return Claim(rate, round(self._measured.step_overhead_s * _US), memory_bytes)


def _lowered(claim: Claim, step_us: int, weight_bytes: int) -> Claim:
    """Return a claim by which a step takes at least so long, rate and overhead lowered alike."""
    slower = step_us / max(claim.step_us(weight_bytes), 1)
    rate = max(int(claim.rate / slower), 1)
    overhead_us = step_us - weight_bytes * _US // rate
    return replace(claim, rate=rate, overhead_us=max(overhead_us, 0))
