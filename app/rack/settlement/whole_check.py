"""Checking every token of a text on this computer, as far as the rack's setting wants it.

The host reads the text once (`app.proof.whole_text`); sampled audits then only decide who was
wrong. What it will take is predicted from what it took before; where nothing is known yet it is
tried, and given up at the limit that it must keep to anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Final

from app.core.audit_outcome import CheckMode
from app.core.clock import Clock
from app.core.errors import ShardloomError, WorkerError
from app.proof.chain import ChainShard
from app.proof.stage_parts import OpenEngine, open_shard
from app.proof.whole_text import TextAnswer, TextCheck, WholeText
from app.rack.blocking import BlockingPool
from app.rack.layers.spans import SpanOnPhone
from app.rack.settlement.audit_cases import AUDIT_THREADS, all_parts_of
from app.rack.settlement.chain_check import good_by_chain
from app.rack.settlement.concluded import ConcludedAttempt, WholeCheck

SHARE_OF_TIME: Final = 0.1
"""What checking may take of the time that a text took, unless it is to be checked anyhow."""
MOST_TIMES: Final = 10
"""However much is wanted, a check ends after so many times what the text took."""
LEAST_LIMIT_S: Final = 30.0
"""Or after that long."""
_NEWEST_WEIGHT: Final = 0.5
_FADES: Final = 0.95
"""With each text that is not checked less is made of what one took once: short ones cost most."""
_log = logging.getLogger("shardloom.rack")


@dataclass
class CheckSettings:
    """How answers are checked; may change at any time, on the service loop."""

    audit_rate: float
    """Share of receipts audited, 0 to 1. Another one counts once nothing runs under this."""
    mode: CheckMode = CheckMode.OFF
    """Whether every token of each text is checked."""
    verifiers: bool = False
    """Whether idle phones audit others of their class."""


class CheckEndedError(ShardloomError):
    """Time is up, or nobody waits for the text any more."""


@dataclass(frozen=True)
class _Cost:
    """What checking texts of one model took of this computer."""

    row_s: float
    share: float | None = None
    """Of the time that the newest text took."""


class WholeChecker:
    """Checks one text at a time on a thread of its own. Lives on the service loop."""

    def __init__(
        self,
        store: Path,
        clock: Clock,
        pool: BlockingPool,
        settings: CheckSettings,
        *,
        simulated: bool,
        open_engine: OpenEngine = open_shard,
    ) -> None:
        """Check on the `pool`'s one thread; `simulated` phones' texts unless that is turned off."""
        self._settings = settings
        self._pool = pool
        self._store = store
        self._clock = clock
        self._simulated = simulated
        self._open_engine = open_engine
        self._costs: dict[str, _Cost] = {}

    async def check(
        self, attempt: ConcludedAttempt, model: str, text_s: float, stop: Event
    ) -> WholeCheck | None:
        """Return what became of each answer; None where this was not to be found out.

        `text_s` is what the text took so far. Once `stop` is set the check ends at its next run.
        """
        if stop.is_set() or attempt.two_chains or not attempt.answers or not _in_order(attempt):
            return None
        limit_s = self._limit_s(model, len(_rows(attempt)), text_s)
        if limit_s is None:
            return None
        ends_s = self._clock.monotonic_s() + limit_s
        done = [0.0]

        def go_on(share: float) -> None:
            done[0] = share
            if stop.is_set() or self._clock.monotonic_s() > ends_s:
                raise CheckEndedError("check.ended")

        started_s = self._clock.monotonic_s()
        try:
            good = await self._pool.run_to_its_end(self._good, attempt, go_on)
        except (CheckEndedError, WorkerError) as error:
            _log.info("a text was not checked: %s", error)
            took_s = self._clock.monotonic_s() - started_s
            if not stop.is_set():
                self._learn(model, attempt, took_s / max(done[0], 0.5), text_s)
            return None
        took_s = self._clock.monotonic_s() - started_s
        self._learn(model, attempt, took_s, text_s)
        return WholeCheck(good, took_s)

    def newest_share(self, model: str) -> float | None:
        """Return what checking took of the time of the model's newest text; None of none."""
        cost = self._costs.get(model)
        return cost.share if cost else None

    def _limit_s(self, model: str, rows: int, text_s: float) -> float | None:
        """Return how long a check may take; None where there is to be none."""
        if self._settings.mode is CheckMode.OFF:
            return None
        if self._settings.mode is CheckMode.ON or self._simulated:
            return max(MOST_TIMES * text_s, LEAST_LIMIT_S)
        cost = self._costs.get(model)
        if cost is not None and cost.row_s * rows > SHARE_OF_TIME * text_s:
            self._costs[model] = replace(cost, row_s=cost.row_s * _FADES)
            return None
        return SHARE_OF_TIME * text_s

    def _learn(self, model: str, attempt: ConcludedAttempt, took_s: float, text_s: float) -> None:
        row_s = took_s / len(_rows(attempt))
        known = self._costs.get(model, _Cost(row_s))
        mixed = known.row_s + _NEWEST_WEIGHT * (row_s - known.row_s)
        self._costs[model] = replace(known, row_s=mixed, share=took_s / max(text_s, 1e-3))

    def _good(self, attempt: ConcludedAttempt, go_on: Callable[[float], None]) -> int:
        go_on(0.0)
        if attempt.spans[-1].shape.answer_size:
            return good_by_chain(attempt, self._store, self._open_engine)
        check = TextCheck(
            [_shard(span, self._store) for span in attempt.spans],
            attempt.spans[-1].shard.quantized,
            AUDIT_THREADS,
            self._open_engine,
            go_on,
        )
        return check.good_answers(_text(attempt))


def _shard(span: SpanOnPhone, store: Path) -> ChainShard:
    shape = replace(span.shape, slots=1)
    return ChainShard(store / span.shard.graph.sha256, shape, all_parts_of(span, store))


def _text(attempt: ConcludedAttempt) -> WholeText:
    answers = tuple(
        TextAnswer(step.end - 1, leaf, step.steering)
        for step, leaf in zip(attempt.steps, attempt.answers_by_step, strict=False)
        if leaf is not None
    )
    return WholeText(
        _rows(attempt),
        answers,
        attempt.sampling,
        attempt.alternatives,
        attempt.boundary,
    )


def _rows(attempt: ConcludedAttempt) -> tuple[int, ...]:
    """Return every token that was read for the answers there are."""
    answered = attempt.steps[: len(attempt.answers_by_step)]
    return tuple(token for step in answered for token in step.tokens)


def _in_order(attempt: ConcludedAttempt) -> bool:
    """Tell whether each step began where the one before had ended."""
    ends = [0, *(step.end for step in attempt.steps)]
    return all(step.position == end for step, end in zip(attempt.steps, ends, strict=False))
