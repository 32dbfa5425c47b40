"""The figures of decoding over stages, and the tables they are shown in."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.benchmarks.stages.streams import Decoded
from app.command_line.output.report import FigureTable
from app.core.units import format_bytes, format_rate

FULL_RATE_GAIN = 1.8
"""Two cores that read at once, each almost as fast as alone."""


@dataclass(frozen=True)
class StageMemory:
    """What a worker process holds in memory, and what of it is weights and attention cache."""

    resident_bytes: int
    weight_bytes: int
    kv_bytes: int

    @property
    def allowed_bytes(self) -> int:
        """What it may hold: 1.35 times the weights, the cache and 90 MB."""
        return int(self.weight_bytes * 1.35) + self.kv_bytes + 90_000_000


@dataclass
class DecodeFigures:
    """All rounds of one quantised model; rates in tokens per second."""

    model: str
    weight_bytes: int
    """What one decoded token reads."""
    hop_bytes: int
    """What one token puts on the wire between two stages."""
    whole_rates: list[float] = field(default_factory=list)
    bare_rates: list[float] = field(default_factory=list)
    """Over two stages that only a pair of sockets joins."""
    bare_rates_of_two: list[float] = field(default_factory=list)
    """Over the same two stages, of two streams together."""
    stage_rates: dict[int, list[float]] = field(default_factory=dict)
    hop_us: dict[int, list[float]] = field(default_factory=dict)
    stream_rates: dict[int, list[float]] = field(default_factory=dict)
    """Over two stages, all streams together."""
    bytes_per_second: list[float] = field(default_factory=list)
    reading_gains: list[float] = field(default_factory=list)
    """How much faster two stages together read weights than one alone."""
    memory: list[StageMemory] = field(default_factory=list)

    def add_stages(self, count: int, decoded: Decoded) -> None:
        """Take in one stream over that many stages."""
        self.stage_rates.setdefault(count, []).append(decoded.tokens_per_second)
        self.hop_us.setdefault(count, []).append(decoded.hop_us)

    @property
    def limit(self) -> float:
        """Tokens per second at which reading the weights takes all the time there is."""
        return statistics.median(self.bytes_per_second) / self.weight_bytes

    def share_of_whole(self, count: int) -> float:
        """Median over rounds of the stages' rate divided by the whole model's."""
        return _median_ratio(self.stage_rates[count], self.whole_rates)

    @property
    def bare_share_of_whole(self) -> float:
        """Median over rounds of the bare stages' rate divided by the whole model's."""
        return _median_ratio(self.bare_rates, self.whole_rates)

    @property
    def bare_gain(self) -> float:
        """Median over rounds of two bare streams' rate divided by one's."""
        return _median_ratio(self.bare_rates_of_two, self.bare_rates)

    def gain(self, streams: int) -> float:
        """Median over rounds of the streams' rate divided by one stream's."""
        return statistics.median(self._gains(streams))

    @property
    def gain_at_full_rate(self) -> float | None:
        """The same of two streams, in rounds in which both cores could read at their full rate."""
        pairs = zip(self._gains(2), self.reading_gains, strict=True)
        gains = [gain for gain, reading_gain in pairs if reading_gain >= FULL_RATE_GAIN]
        return statistics.median(gains) if gains else None

    def _gains(self, streams: int) -> list[float]:
        return _ratios(self.stream_rates[streams], self.stream_rates[1])


def tables(found: Sequence[DecodeFigures]) -> tuple[FigureTable, ...]:
    """Return one table for each question."""
    return (_one_stream(found), _streams(found), _memory(found))


def _one_stream(found: Sequence[DecodeFigures]) -> FigureTable:
    headings = (
        "model",
        ">whole",
        ">of limit",
        ">bare 2",
        ">of whole",
        ">2 stages",
        ">of whole",
        ">4 stages",
        ">of whole",
    )
    rows = tuple(
        (
            each.model,
            format_rate(statistics.median(each.whole_rates)),
            f"{statistics.median(each.whole_rates) / each.limit:.2f}",
            format_rate(statistics.median(each.bare_rates)),
            f"{each.bare_share_of_whole:.3f}",
            *(
                text
                for count in sorted(each.stage_rates)
                for text in (
                    format_rate(statistics.median(each.stage_rates[count])),
                    f"{each.share_of_whole(count):.3f}",
                )
            ),
            *(f"{statistics.median(each.hop_us[count]):.0f} us" for count in sorted(each.hop_us)),
            format_bytes(each.hop_bytes),
        )
        for each in found
    )
    return FigureTable((*headings, ">hop of 2", ">hop of 4", ">bytes a hop"), rows)


def _streams(found: Sequence[DecodeFigures]) -> FigureTable:
    counts = sorted(found[0].stream_rates)
    rows = tuple(
        (
            each.model,
            *(format_rate(statistics.median(each.stream_rates[count])) for count in counts),
            *(f"{each.gain(count):.2f}" for count in counts[1:]),
            f"{each.bare_gain:.2f}",
            f"{statistics.median(each.reading_gains):.2f}",
            "no round" if (gain := each.gain_at_full_rate) is None else f"{gain:.2f}",
        )
        for each in found
    )
    headings = (
        "2 stages",
        *(f">{count} streams" for count in counts),
        *(f">{count} over 1" for count in counts[1:]),
        ">bare: 2 over 1",
        ">reading: 2 over 1",
        ">2 over 1 at full rate",
    )
    return FigureTable(headings, rows)


def _memory(found: Sequence[DecodeFigures]) -> FigureTable:
    rows = tuple(
        (
            each.model,
            str(number),
            format_bytes(stage.resident_bytes),
            format_bytes(stage.weight_bytes),
            format_bytes(stage.kv_bytes),
            format_bytes(stage.allowed_bytes),
        )
        for each in found
        for number, stage in enumerate(each.memory, 1)
    )
    return FigureTable(("model", "stage", ">resident", ">weights", ">cache", ">allowed"), rows)


def _median_ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(_ratios(mine, theirs))


def _ratios(mine: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [first / second for first, second in zip(mine, theirs, strict=True)]
