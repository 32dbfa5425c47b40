"""Looking closely at a stage: its phone runs it again, and operators of it are recomputed here.

Asked for where an audit deviates, and at random. What it shows is told and kept in the timeline;
no stake is moved by it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from app.core.audit_outcome import AuditOutcome
from app.core.errors import ShardloomError, reason_of
from app.proof.case import Verdict
from app.proof.sharp.classes import RoundingClass, read_class
from app.proof.sharp.draws import DRAWN_OPERATORS, Draw, Leaf, draw
from app.proof.sharp.graph import NotCoveredError
from app.proof.sharp.judging import SharpCase, judge, statement_fits
from app.proof.sharp.verdict import Opening, SharpReason, SharpVerdict
from app.proof.sharp.widths import width
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.spans import SpanOnPhone
from app.rack.phones.fleet import Fleet
from app.rack.phones.preparation import WORKER_THREADS
from app.rack.settlement.audit_cases import case_of
from app.rack.settlement.concluded import CloseLook, ConcludedAttempt
from app.rack.settlement.replaying import (
    ReplayedStep,
    ShownLeaves,
    WantedLeaf,
    canary,
    opened,
    replaying,
)
from workers.errors import ReportedError
from workers.identity.states import StatesBody, verify_states

FLOAT_BYTES: Final = 4
DISPUTED_OPERATORS: Final = 1 << 20
"""Where an audit deviates every operator of the drawn rows is looked at."""
SEED_BYTES: Final = 32
_FRACTION: Final = 1 << 64
_log = logging.getLogger("shardloom.rack")


class SharpTests:
    """Chooses stages and looks at them. Lives on the service loop."""

    def __init__(
        self,
        pool: BlockingPool,
        store: Path,
        rate: float,
        context: RackContext,
        fleet: Fleet,
    ) -> None:
        """`rate` is the share of audited stages drawn besides those whose audits deviate."""
        self._pool = pool
        self._store = store
        self._rate = rate
        self._random_bytes = context.random_bytes
        self._fleet = fleet
        self._classes: dict[str, RoundingClass | None] = {}

    async def look(self, attempt: ConcludedAttempt, verdicts: Sequence[Verdict]) -> list[CloseLook]:
        """Look at the stages that are due to be; one after the other."""
        looks = []
        for index, thorough in self._due(verdicts):
            span = attempt.spans[index]
            try:
                verdict = await self._look(attempt, index, span, thorough=thorough)
                looks.append(CloseLook(span.stage.serial, verdict))
            except (ShardloomError, ReportedError, OSError, ValueError) as error:
                _log.info("no close look at %s: %s", span.stage.serial, error)
                looks.append(CloseLook(span.stage.serial, None, reason_of(error)))
        return looks

    def _due(self, verdicts: Sequence[Verdict]) -> Iterator[tuple[int, bool]]:
        """Yield the stages to look at, and whether at every operator."""
        for verdict in verdicts:
            deviates = verdict.outcome is AuditOutcome.DEVIATES
            chance = int.from_bytes(self._random_bytes(8), "big")
            if deviates or chance < self._rate * _FRACTION:
                yield verdict.stage, deviates

    async def _look(
        self, attempt: ConcludedAttempt, index: int, span: SpanOnPhone, *, thorough: bool
    ) -> SharpVerdict:
        case = case_of(attempt, index, self._store)
        name = case.receipt.numerical_class
        if name not in self._classes:
            products = await canary(span.stage, WORKER_THREADS)
            self._classes[name] = read_class(products, name)
        try:
            sharp = await self._pool.run(SharpCase.of, case, self._classes[name])
        except NotCoveredError as error:
            return SharpVerdict(SharpReason.NOT_COVERED, operator=str(error))
        return await self._replayed(sharp, span, thorough=thorough)

    async def _replayed(
        self, sharp: SharpCase, span: SpanOnPhone, *, thorough: bool
    ) -> SharpVerdict:
        case, stage = sharp.case, span.stage
        steps = [ReplayedStep(step.position, step.inputs) for step in case.steps]
        async with replaying(stage, case.boundary, sharp.graph.states, steps) as signed:
            key = self._fleet.phones[stage.serial].worker.public_key
            statement = verify_states(signed.statement, signed.signature, key)
            # drawn from what nobody could know before it was signed
            seed = hashlib.sha256(self._random_bytes(SEED_BYTES) + signed.statement).digest()
            if not statement_fits(sharp, statement):
                return SharpVerdict(SharpReason.OTHER_STATEMENT)
            draws, leaves, wanted = await self._pool.run(_drawn, sharp, seed, thorough)
            shown = await opened(stage, wanted)
        return await self._pool.run(_judged, sharp, statement, draws, leaves, shown)


def _drawn(
    sharp: SharpCase,
    seed: bytes,
    thorough: bool,  # noqa: FBT001 - handed through a pool
) -> tuple[tuple[Draw, ...], list[Leaf], list[WantedLeaf]]:
    """Return what is looked at, the leaves that it takes, and these as they are asked for."""
    count = DISPUTED_OPERATORS if thorough else DRAWN_OPERATORS
    draws = draw(sharp.graph, sharp.extent, seed, operators=count)
    leaves = sharp.wanted(draws, all_ends=thorough)
    return draws, leaves, _numbered(sharp, leaves)


def _numbered(sharp: SharpCase, leaves: Sequence[Leaf]) -> list[WantedLeaf]:
    sizes = {
        state: FLOAT_BYTES * width(sharp.graph, sharp.case.shape, state)
        for state in {leaf.state for leaf in leaves}
    }
    return [WantedLeaf(sharp.number(leaf), sizes[leaf.state]) for leaf in leaves]


def _judged(
    sharp: SharpCase,
    statement: StatesBody,
    draws: Sequence[Draw],
    leaves: Sequence[Leaf],
    shown: Sequence[ShownLeaves],
) -> SharpVerdict:
    names = {sharp.number(leaf): leaf for leaf in leaves}
    openings = [
        Opening({names[number]: row for number, row in some.rows.items()}, some.proof)
        for some in shown
    ]
    return judge(sharp, statement, draws, openings)
