"""Looking closely at a stage: its phone runs it again, and operators of it are recomputed here.

Asked for where an audit does not pass, and at random. The verdict is what the kept evidence
convinces of, and stake for wrong numbers hangs on it alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from app.core.audit_outcome import SharpOutcome
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.rules.audits.refusals import PHONE_GONE, PHONE_UNABLE
from app.proof.case import AuditReason, Verdict
from app.proof.sharp.classes import RoundingClass, is_canary_of, read_class
from app.proof.sharp.draws import DRAWN_OPERATORS, DRAWN_ROWS, Draw, Leaf, draw
from app.proof.sharp.evidence import SharpEvidence, ShownRows, Signed
from app.proof.sharp.graph import NotCoveredError
from app.proof.sharp.judging import SharpCase, statement_fits
from app.proof.sharp.widths import width
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.spans import SpanOnPhone
from app.rack.phones.preparation import WORKER_THREADS
from app.rack.settlement.audit_cases import case_of
from app.rack.settlement.concluded import ConcludedAttempt
from app.rack.settlement.findings import SHOWN_OTHERWISE, found_by_audit
from app.rack.settlement.sharp.close_look import CloseLook
from app.rack.settlement.sharp.judged import judged
from app.rack.settlement.sharp.replaying import (
    ReplayedStep,
    ShownLeaves,
    WantedLeaf,
    canary,
    opened,
    replaying,
)
from workers.errors import ReceiptError, ReportedError
from workers.identity.receipts import canonical_bytes
from workers.identity.states import verify_states
from workers.protocol.replay_commands import StatesSigned
from workers.protocol.wire import Tensor

FLOAT_BYTES: Final = 4
DISPUTED_OPERATORS: Final = 1 << 20
"""Where an audit deviates every operator of the drawn rows is looked at."""
SEED_BYTES: Final = 32
_FRACTION: Final = 1 << 64
_UNABLE: Final = (
    "memory.lacks",
    "worker.no_room_again",
    "span.not_loaded",
    "graph.unloadable",
    "shard.failed",
)
"""What an honest phone may say: it has no room, or has other layers by now."""
_log = logging.getLogger("shardloom.rack")


class SharpTests:
    """Chooses stages and looks at them. Lives on the service loop."""

    def __init__(
        self,
        pool: BlockingPool,
        store: Path,
        rate: float,
        context: RackContext,
        free_bytes: Callable[[Serial], int | None] = lambda _serial: None,
    ) -> None:
        """`rate` is the share of audited stages drawn besides those whose audits deviate.

        `free_bytes` tells how much memory a phone had left when it was last asked, None if unknown.
        """
        self._free_bytes = free_bytes
        self._pool = pool
        self._store = store
        self._rate = rate
        self._one_at_a_time = asyncio.Lock()
        self._random_bytes = context.random_bytes
        self._classes: dict[str, RoundingClass | None] = {}
        self._products: dict[str, tuple[Tensor, ...]] = {}

    async def look(self, attempt: ConcludedAttempt, verdicts: Sequence[Verdict]) -> list[CloseLook]:
        """Look at the stages that are due to be; one after the other.

        A worker holds one replay: of several attempts that end together the others wait. Of a
        model of two chains none is looked at: what a decoder keeps of a text no replay shows.
        """
        if attempt.two_chains:
            return []
        async with self._one_at_a_time:
            return await self._looks(attempt, verdicts)

    async def _looks(
        self, attempt: ConcludedAttempt, verdicts: Sequence[Verdict]
    ) -> list[CloseLook]:
        looks = []
        for verdict, thorough in self._due(verdicts):
            look = without_test(verdict, attempt)
            looks.append(look or await self._attempted(attempt, verdict.stage, thorough=thorough))
        return looks

    def _due(self, verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, bool]]:
        """Yield the verdicts to look behind, and whether at every operator."""
        for verdict in verdicts:
            chance = int.from_bytes(self._random_bytes(8), "big")
            if not verdict.passed or chance < self._rate * _FRACTION:
                yield verdict, not verdict.passed

    async def _attempted(
        self, attempt: ConcludedAttempt, index: int, *, thorough: bool
    ) -> CloseLook:
        """Look at a stage, or tell why that came to nothing and whose doing it was."""
        serial = attempt.spans[index].stage.serial

        def none(outcome: SharpOutcome, code: str, error: object) -> CloseLook:
            _log.info("no close look at %s: %s", serial, error)
            return CloseLook(serial, index, outcome, Fact(code))

        try:
            return await self._look(attempt, index, thorough=thorough)
        except PhoneLostError as error:
            return none(SharpOutcome.UNAVAILABLE, PHONE_GONE, error)
        except WorkerError as error:
            if any(error.fact.mentions_code(code) for code in _UNABLE):
                return none(SharpOutcome.UNAVAILABLE, PHONE_UNABLE, error)
            if error.fact.code == "worker.cannot_be_asked":
                return none(SharpOutcome.UNAVAILABLE, "sharp.not_made", error)
            return none(SharpOutcome.REFUSED, "sharp.refused", error)
        except ReceiptError as error:
            return none(SharpOutcome.REFUSED, "sharp.other_statement", error)
        except NotCoveredError as error:
            reason = Fact("sharp.not_covered", operator=str(error))
            return CloseLook(serial, index, SharpOutcome.UNAVAILABLE, reason)
        except (ShardloomError, ReportedError, OSError, ValueError) as error:
            return none(SharpOutcome.UNAVAILABLE, "sharp.not_made", error)

    async def _look(self, attempt: ConcludedAttempt, index: int, *, thorough: bool) -> CloseLook:
        span = attempt.spans[index]
        free, needed = self._free_bytes(span.stage.serial), span.shard.weight_bytes
        if free is not None and needed > free:
            raise WorkerError("worker.no_room_again", needed=needed, free=free)
        case = case_of(attempt, index, self._store)
        products = await self._canary(span, case.receipt.numerical_class)
        rounding = self._classes[case.receipt.numerical_class]
        sharp = await self._pool.run(SharpCase.of, case, rounding)
        return await self._replayed(attempt, sharp, span, products, thorough=thorough)

    async def _canary(self, span: SpanOnPhone, name: str) -> tuple[Tensor, ...]:
        """Return what a phone's class is a digest of."""
        if name not in self._classes or self._classes[name] is None:
            products = await canary(span.stage, WORKER_THREADS)
            self._classes[name] = read_class(products, name)
            self._products[name] = products
        return self._products[name]

    async def _replayed(
        self,
        attempt: ConcludedAttempt,
        sharp: SharpCase,
        span: SpanOnPhone,
        products: tuple[Tensor, ...],
        *,
        thorough: bool,
    ) -> CloseLook:
        case, stage = sharp.case, span.stage
        key = attempt.keys[stage.serial]
        steps = [ReplayedStep(step.position, step.inputs) for step in case.steps]
        async with replaying(stage, case.boundary, sharp.graph.states, steps) as signed:
            statement = verify_states(signed.statement, signed.signature, key)
            # drawn from what nobody could know before it was signed
            seed = hashlib.sha256(self._random_bytes(SEED_BYTES) + signed.statement).digest()
            shows_class = is_canary_of(products, statement.numerical_class)
            if not statement_fits(sharp, statement) or not shows_class:
                raise ReceiptError("states.of_other_work")
            _draws, _leaves, wanted = await self._pool.run(_drawn, sharp, seed, thorough)
            shown = await opened(stage, wanted)
        signature = attempt.signatures[stage.serial]
        receipt = Signed(canonical_bytes(case.receipt), signature)
        evidence = _evidence(sharp, key, receipt, signed, products, seed, shown, thorough=thorough)

        return await self._pool.run(
            judged,
            evidence,
            self._store,
            attempt.model,
            span.shard,
            case.receipt.stage,
            stage.serial,
        )


def without_test(verdict: Verdict, attempt: ConcludedAttempt) -> CloseLook | None:
    """Return what becomes of a stage whose audit shows a lie that no numbers decide.

    Who shows the host other tensors than it signed for has refused to show those. What only the
    next phone says that it received proves nothing.
    """
    if verdict.passed or verdict.reason not in SHOWN_OTHERWISE:
        return None
    span = attempt.spans[verdict.stage]
    told_by_another = verdict.reason is AuditReason.OUTPUTS_DISOWNED and not span.shape.has_head
    unusable = verdict.reason is AuditReason.INPUTS_UNUSABLE
    outcome = SharpOutcome.UNAVAILABLE if told_by_another or unusable else SharpOutcome.REFUSED
    return CloseLook(span.stage.serial, verdict.stage, outcome, found_by_audit(verdict.reason))


def _evidence(
    sharp: SharpCase,
    key: bytes,
    receipt: Signed,
    signed: StatesSigned,
    products: tuple[Tensor, ...],
    seed: bytes,
    shown: Sequence[ShownLeaves],
    *,
    thorough: bool,
) -> SharpEvidence:
    case = sharp.case
    return SharpEvidence(
        public_key=key,
        receipt=receipt,
        statement=Signed(signed.statement, signed.signature),
        shape=case.shape,
        sampling=case.sampling,
        steps=case.steps,
        canary=products,
        seed=seed,
        rows=DRAWN_ROWS,
        operators=DISPUTED_OPERATORS if thorough else DRAWN_OPERATORS,
        all_ends=thorough,
        shown=tuple(ShownRows(some.rows, some.proof) for some in shown),
    )


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
