"""One seed: phones, faults and requests drawn by chance, and what must hold whatever happens.

Every request ends in time: with the tokens that one machine alone generates, or with a reason and
only tokens that are right so far. Nobody honest is found out, the ledger verifies, nothing is left.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from app.core.device import DeviceState
from app.core.errors import BadInputError
from app.core.identifiers import RequestId
from app.core.nursery import Nursery
from app.ledger.journal.keys import public_bytes, read_key
from app.ledger.journal.verification import verify_ledger
from app.placement.rebalancing.setting import Balancing
from app.rack.commands import Sampling
from app.rack.requests.request import UNFORESEEN, Request
from app.rack.requests.request_queue import rule_of
from app.rack.snapshot import RequestState
from app.simulation.model import VOCABULARY_SIZE, undisturbed
from app.simulation.network import LinkBehaviour, Network
from app.simulation.phone import SimulatedPhone
from app.simulation.rack import SLOTS, SimulatedRack
from app.testing.virtual_time import LoopClock, NothingHappensError, run_in_virtual_time

DISTURBED_S: Final = 20.0
"""How long new requests and faults come."""
END_LIMIT_S: Final = 300.0
"""How long requests may take after the last disturbance; where phones are missing all of them wait
together, `PAUSE_LIMIT_S` at most."""
STOP_LIMIT_S: Final = 60.0
LIMIT_S: Final = 2 * (DISTURBED_S + 2 * END_LIMIT_S + STOP_LIMIT_S)
"""How long all of it may take."""
_AWAY_S: Final = (0.5, 20.0)
_MEETING_S: Final = 8.0
_MEETING_LOOKS: Final = 200


@dataclass(frozen=True)
class _Crowd:
    """How many requests there are at a time, and what they share."""

    phones: tuple[int, int]
    slots: int
    at_once: tuple[int, ...]
    fewest_tokens: int = 1
    slowness: float = 1.0
    """Of phones: where hops take longer than phones compute, each request is a group by itself."""
    met: float = 0.0
    """How often a disturbance waits until requests share a step."""


_CROWDS: Final = (
    *[_Crowd((3, 4), SLOTS, (1, 1, 2))] * 3,
    _Crowd((2, 3), 12, (3, 5, 8), fewest_tokens=20, slowness=10.0, met=0.8),
)
"""Mostly each request decodes by itself; in every fourth seed up to six share each step."""
_MEMORY: Final = next(filter(os.path.isdir, ["/dev/shm"]), None)  # noqa: S108 - a name drawn by chance
"""Where ledgers are kept: in memory where there is such a folder, as no power fails here."""


@dataclass(frozen=True)
class SeedReport:
    """What came of a seed."""

    seed: int
    problems: tuple[str, ...]
    """What did not hold; empty where all did."""
    virtual_s: float
    settled: int = 0
    cancelled: int = 0
    failed: int = 0
    failovers: int = 0
    faults: int = 0
    shared_steps: int = 0
    """Faults that came as some phone had last done a step of several requests."""
    reused: int = 0
    """Tokens that were not read again."""
    accepted: int = 0
    """Drafts that were right."""
    rejected: int = 0
    jailed: int = 0

    @property
    def line(self) -> str:
        """Say it in one line, which tells how to see it again."""
        outcome = "; ".join(self.problems) or "all holds"
        return f"python -m app.simulation --seed {self.seed}: {outcome}"


def run_seed(seed: int) -> SeedReport:
    """Play one seed out in virtual time. Raises nothing: whatever goes wrong is in the report."""
    random = Random(seed)  # noqa: S311 - chance that repeats, no secret
    with TemporaryDirectory(prefix="shardloom-simulation-", dir=_MEMORY) as folder:
        scenario = _Scenario(seed, random, Path(folder))
        try:
            return run_in_virtual_time(scenario.play_in_time(), lambda: random.uniform(0.0, 0.004))
        except NothingHappensError:
            return SeedReport(seed, ("everything waits for what can never come",), 0.0)
        except Exception as error:  # noqa: BLE001 - a seed is never lost to a surprise
            return SeedReport(seed, (f"{type(error).__name__}: {error}",), 0.0)


@dataclass(frozen=True)
class _Asked:
    request: Request
    reference: tuple[int, ...]


def _shares_steps(phone: SimulatedPhone) -> bool:
    worker = phone.worker
    return worker is not None and worker.alive and worker.requests_together > 1


class _Scenario:
    """The course of one seed. Lives on the loop."""

    def __init__(self, seed: int, random: Random, folder: Path) -> None:
        self._seed = seed
        self._random = random
        self._folder = folder
        self._clock = LoopClock()
        self._asked: list[_Asked] = []
        self._to_cancel: set[RequestId] = set()
        self._faults = self._shared_steps = 0
        self._crowd = random.choice(_CROWDS)

    async def play_in_time(self) -> SeedReport:
        """Do as `play`. Raises `TimeoutError` after `LIMIT_S`."""
        async with self._clock.timeout(LIMIT_S):
            return await self.play()

    async def play(self) -> SeedReport:
        """Begin, disturb, let all end, stop, and look at what is left."""
        random = self._random
        world = Nursery(self._clock)
        lost = random.choice((0.0, 0.0, 0.01))
        network = Network(random, LinkBehaviour(longest_s=random.choice((0.005, 0.02)), lost=lost))
        count = random.randint(*self._crowd.phones)
        self._phones = [
            SimulatedPhone(number + 1, network, self._clock, world, random, self._crowd.slowness)
            for number in range(count)
        ]
        self._rack = SimulatedRack(
            self._folder,
            self._clock,
            random,
            network,
            random.choice(tuple(Balancing)),
            self._crowd.slots,
        )
        await self._rack.start(self._phones, audit_rate=random.choice((0.1, 0.5, 1.0)))
        await self._disturb()
        problems = await self._endings()
        problems += await self._free_slots()
        problems += await self._stopped()
        await world.close()
        problems += self._leaks()
        return self._report(problems)

    async def _disturb(self) -> None:
        random, end_s = self._random, self._clock.monotonic_s() + DISTURBED_S
        await self._ask()
        while self._clock.monotonic_s() < end_s:
            await self._clock.sleep(random.expovariate(0.35))
            if random.random() < 0.4:
                await self._break()
            else:
                await self._ask_and_disturb()
        for phone in self._phones:
            phone.come_back()

    async def _ask_and_disturb(self) -> None:
        """Ask, now and then several at once; mostly something happens while it is answered."""
        random = self._random
        for _ in range(random.choice(self._crowd.at_once)):
            await self._ask()
        await self._clock.sleep(random.uniform(0.0, 1.0))
        if random.random() < 0.75:
            await self._break()
        if random.random() < 0.3:
            await self._cancel()

    async def _shared_step(self) -> None:
        """Wait until some phone is at a step of several requests, but not for long."""
        for _ in range(_MEETING_LOOKS):
            if any(map(_shares_steps, self._phones)):
                return
            await self._clock.sleep(_MEETING_S / _MEETING_LOOKS)

    async def _ask(self) -> None:
        random = self._random
        prompt = self._prompt()
        tokens = random.randint(self._crowd.fewest_tokens, 40)
        sampling = Sampling(random.choice((0.0, 0.0, 0.8)), 0.9, random.randrange(1000))
        try:
            identifier = await self._rack.ask(prompt, tokens, sampling)
        except BadInputError:
            return
        rule = rule_of(sampling)
        request = self._rack.queue.requests[identifier]
        self._asked.append(_Asked(request, undisturbed(prompt, tokens, rule)))

    def _prompt(self) -> tuple[int, ...]:
        """Return a new text, or one that begins as an earlier one did or goes on with it."""
        random = self._random
        new = tuple(random.randrange(1, VOCABULARY_SIZE) for _ in range(random.randint(1, 12)))
        if not self._asked or random.random() < 0.4:
            return new
        earlier = random.choice(self._asked)
        said = (*earlier.request.prompt_tokens, *earlier.reference)
        return (*said[: random.randint(1, len(said))], *new)

    async def _cancel(self) -> None:
        running = [each.request for each in self._asked if not each.request.state.ended]
        if running:
            chosen = self._random.choice(running).identifier
            self._to_cancel.add(chosen)
            await self._rack.queue.cancel(chosen)

    async def _break(self) -> None:
        """Let something befall a phone; what passes does so after a while."""
        if self._random.random() < self._crowd.met:
            await self._shared_step()
        phone = self._random.choice(self._phones)
        self._faults += 1
        self._shared_steps += any(map(_shares_steps, self._phones))
        match self._random.choice(("death", "hang", "away", "slow")):
            case "death":
                phone.end_worker()
                return
            case "hang":
                phone.hang()
            case "away":
                phone.go_away()
            case "slow":
                phone.slow_down(self._random.uniform(2.0, 30.0))
        lasts_s = self._random.uniform(*_AWAY_S)
        asyncio.get_running_loop().call_later(lasts_s, phone.come_back)

    async def _endings(self) -> list[str]:
        tasks = [each.request.task for each in self._asked if each.request.task is not None]
        _, running = await asyncio.wait(tasks, timeout=END_LIMIT_S)
        late = [f"{task.get_name()} did not end within {END_LIMIT_S:.0f} s" for task in running]
        return late + [problem for each in self._asked if (problem := self._wrong_end(each))]

    def _wrong_end(self, asked: _Asked) -> str:
        """Return what is wrong with how a request ended; empty where nothing is."""
        request, tokens = asked.request, tuple(asked.request.tokens)
        name = f"request {request.identifier}"
        if request.slashes:
            return f"{name}: an honest phone was slashed"
        if tokens != asked.reference[: len(tokens)]:
            return f"{name} has other tokens than an undisturbed run"
        if request.state is RequestState.SETTLED and tokens != asked.reference:
            return f"{name} was settled after {len(tokens)} of {len(asked.reference)} tokens"
        if request.state is RequestState.CANCELLED and request.identifier not in self._to_cancel:
            return f"{name} was cancelled by nobody"
        reason = request.state_reason
        if request.state is RequestState.FAILED and reason and reason.code == UNFORESEEN:
            return f"{name} met a surprise: {reason}"
        if request.state is RequestState.FAILED and not self._has_jailed():
            return f"{name} failed though every phone was back: {reason}"
        if request.state.ended and request.state is not RequestState.SETTLED:
            return "" if reason else f"{name} ended without a reason"
        return ""

    def _has_jailed(self) -> bool:
        """Tell whether a phone is in jail, such as one that was away when it had to sign."""
        phones = self._rack.fleet.phones.values()
        return any(phone.state is DeviceState.JAILED for phone in phones)

    async def _free_slots(self) -> list[str]:
        applied = self._rack.assigner.applied
        try:
            async with self._clock.timeout(END_LIMIT_S):
                if applied is not None:
                    await applied.slots.wait_until_unused()
        except TimeoutError:
            return ["slots are still in use though every request has ended"]
        return []

    async def _stopped(self) -> list[str]:
        try:
            async with self._clock.timeout(STOP_LIMIT_S):
                await self._rack.stop()
        except TimeoutError:
            names = ", ".join(self._rack.context.nursery.names)
            return [f"the rack did not stop within {STOP_LIMIT_S:.0f} s: {names}"]
        return []

    def _leaks(self) -> list[str]:
        """Return what is left of a rack that was stopped, and what surprised it."""
        rack = self._rack
        key = public_bytes(read_key(rack.home.ledger_key))
        ledger = verify_ledger(rack.home.ledger_file, key)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        return [
            *([] if ledger.valid else [f"the ledger does not verify: {ledger.problem}"]),
            *(
                f"{found.serial}, which is honest, was found out: {found.reason.code}"
                for found in rack.settlement.findings
            ),
            *(f"{failure.name} failed: {failure.error!r}" for failure in rack.failures),
            *(f"{task.get_name()} still runs" for task in tasks),
        ]

    def _report(self, problems: list[str]) -> SeedReport:
        requests = [each.request for each in self._asked]
        states = [request.state for request in requests]
        phones = self._rack.fleet.phones.values()
        return SeedReport(
            seed=self._seed,
            problems=tuple(problems),
            virtual_s=self._clock.monotonic_s(),
            settled=states.count(RequestState.SETTLED),
            cancelled=states.count(RequestState.CANCELLED),
            failed=states.count(RequestState.FAILED),
            failovers=sum(request.failovers for request in requests),
            faults=self._faults,
            shared_steps=self._shared_steps,
            reused=sum(request.reused_tokens for request in requests),
            accepted=sum(each.lookup.accepted for each in requests),
            rejected=sum(each.lookup.drafted - each.lookup.accepted for each in requests),
            jailed=sum(phone.state == "jailed" for phone in phones),
        )
