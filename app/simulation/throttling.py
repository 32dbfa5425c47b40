"""A rack of which one phone gets slow for good while texts are written without end.

Plays the same seed with balancing or without, so that the two courses can be compared.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from app.core.nursery import Nursery
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Sampling
from app.rack.requests.request import Request
from app.rack.snapshot import LayerMove, RequestState
from app.simulation.model import VOCABULARY_SIZE, undisturbed
from app.simulation.network import LinkBehaviour, Network
from app.simulation.phone import SimulatedPhone
from app.simulation.rack import SLOTS, SimulatedRack
from app.testing.virtual_time import LoopClock, run_in_virtual_time
from workers.protocol.sampling_rule import SamplingRule

CALM_S: Final = 6.0
"""How long all phones are as quick as they were measured to be."""
SLOW_S: Final = 18.0
BETRAYED_S: Final = 45.0
"""Where links get slow too, and texts are read again over them."""
RATED_S: Final = 4.0
"""At the end of each time tokens are counted for so long."""
TOKENS: Final = 60
_LOOK_S: Final = 0.1
_LINKS: Final = LinkBehaviour(longest_s=0.004)


@dataclass(frozen=True)
class ThrottlingOutcome:
    """What came of it; rates in tokens a second of all texts together."""

    rate_calm: float
    rate_slow: float
    wrong: int
    """Texts that are other than those of an undisturbed run, or did not settle."""
    moves: tuple[LayerMove, ...]
    proposal: LayerMove | None
    surprises: tuple[str, ...]
    reused: int
    """Rows that texts found where their layers moved to."""


def run_course(
    seed: int, factor: float, balancing: Balancing, betrayal: LinkBehaviour | None = None
) -> ThrottlingOutcome:
    """Play a seed out: one phone takes `factor` times as long from `CALM_S` on.

    With a `betrayal` links behave so once layers have moved: the move seems to have been a mistake.
    """
    with TemporaryDirectory(prefix="shardloom-simulation-") as folder:
        random = Random(seed)  # noqa: S311 - chance that repeats, no secret
        course = _Course(random, Path(folder), factor, balancing)
        course.betrayal = betrayal
        return run_in_virtual_time(course.play())


class _Course:
    def __init__(self, random: Random, folder: Path, factor: float, balancing: Balancing) -> None:
        self._random = random
        self._factor = factor
        self.betrayal: LinkBehaviour | None = None
        self._clock = LoopClock()
        self._network = Network(random, _LINKS)
        self._rack = SimulatedRack(folder, self._clock, random, self._network, balancing)
        self._asked: list[tuple[Request, tuple[int, ...]]] = []

    async def play(self) -> ThrottlingOutcome:
        """Write texts, let a phone get slow, go on writing, and look at all of it."""
        world = Nursery(self._clock)
        phones = [
            SimulatedPhone(number, self._network, self._clock, world, self._random)
            for number in range(1, 4)
        ]
        await self._rack.start(phones, audit_rate=0.1)
        writing = world.child()
        for number in range(SLOTS):
            writing.start_soon(self._write_on(), f"writing {number}")
        rate_calm = await self._rate_at_the_end_of(CALM_S)
        self._busiest(phones).slow_down(self._factor)
        if self.betrayal is not None:
            writing.start_soon(self._betray(self.betrayal), "a move that disappoints")
        slow_s = SLOW_S if self.betrayal is None else BETRAYED_S
        rate_slow = await self._rate_at_the_end_of(slow_s)
        await writing.close()
        await asyncio.wait([request.task for request, _ in self._asked if request.task])
        told = self._rack.rebalancer.snapshot()
        await self._rack.stop()
        await world.close()
        surprises = tuple(f"{failure.name}: {failure.error!r}" for failure in self._rack.failures)
        return ThrottlingOutcome(
            rate_calm,
            rate_slow,
            self._wrong(),
            told.moves,
            told.proposal,
            surprises,
            sum(request.reused_tokens for request, _ in self._asked),
        )

    async def _betray(self, links: LinkBehaviour) -> None:
        while not self._rack.rebalancer.snapshot().moves:
            await self._clock.sleep(_LOOK_S)
        self._network.become(links)

    def _busiest(self, phones: list[SimulatedPhone]) -> SimulatedPhone:
        applied = self._rack.assigner.applied
        stages = applied.assignment.stages if applied else ()
        serial = max(stages, key=lambda stage: stage.layer_count).serial
        return next(phone for phone in phones if phone.serial == serial)

    async def _write_on(self) -> None:
        while True:
            prompt = tuple(self._random.randrange(1, VOCABULARY_SIZE) for _ in range(6))
            identifier = await self._rack.ask(prompt, TOKENS, Sampling())
            request = self._rack.queue.requests[identifier]
            self._asked.append((request, undisturbed(prompt, TOKENS, SamplingRule())))
            if request.task is not None:
                await asyncio.wait([request.task])

    async def _rate_at_the_end_of(self, seconds: float) -> float:
        await self._clock.sleep(seconds - RATED_S)
        before = self._written
        await self._clock.sleep(RATED_S)
        return (self._written - before) / RATED_S

    @property
    def _written(self) -> int:
        return sum(request.decoded_tokens for request, _ in self._asked)

    def _wrong(self) -> int:
        return sum(
            request.state is not RequestState.SETTLED or tuple(request.tokens) != reference
            for request, reference in self._asked
        )
