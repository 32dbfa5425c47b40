"""What a chart shows: which value, in which unit, with which threshold. Qt-free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.core.units import BYTES_PER_MEGABYTE, significant
from app.rack.snapshot import Metric, PhoneSnapshot, RackSnapshot, StageSample
from app.words.catalogue import Message


@dataclass(frozen=True)
class ChartQuantity:
    """One quantity over time; axis values are `scale` times smaller than the samples'."""

    unit: str
    scale: float
    metric: Metric
    value: Callable[[StageSample], float | None]
    threshold: Callable[[RackSnapshot], float | None]
    threshold_words: Message
    budget: Callable[[PhoneSnapshot], float | None] | None = None
    """Where set, the legend has a column with the share of the phone's budget."""

    def text(self, value: float) -> str:
        """Return a value in the unit, three significant digits."""
        return significant(value / self.scale)


def latency(threshold_words: Message) -> ChartQuantity:
    """Return the measure of a stage's compute time."""
    return ChartQuantity(
        unit="ms",
        scale=1.0,
        metric=Metric.STAGE_MS,
        value=lambda sample: sample.stage_ms,
        threshold=_slowest_predicted_ms,
        threshold_words=threshold_words,
    )


def memory(threshold_words: Message) -> ChartQuantity:
    """Return the measure of a worker's resident memory."""
    return ChartQuantity(
        unit="MB",
        scale=float(BYTES_PER_MEGABYTE),
        metric=Metric.RESIDENT_BYTES,
        value=_resident,
        threshold=_smallest_budget,
        threshold_words=threshold_words,
        budget=_budget,
    )


def _resident(sample: StageSample) -> float | None:
    return None if sample.resident_bytes is None else float(sample.resident_bytes)


def _budget(phone: PhoneSnapshot) -> float | None:
    return float(phone.profile.memory_budget_bytes) if phone.profile else None


def _slowest_predicted_ms(snapshot: RackSnapshot) -> float | None:
    stages = snapshot.prediction.stages if snapshot.prediction else ()
    return max((stage.compute_s * 1e3 for stage in stages), default=None)


def _smallest_budget(snapshot: RackSnapshot) -> float | None:
    budgets = (_budget(phone) for phone in snapshot.phones)
    return min((budget for budget in budgets if budget is not None), default=None)
