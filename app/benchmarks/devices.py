"""Figures of the ways to phones: links, coming and going, and a window with a wall of them."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.benchmarks.connecting.links import (
    FAST_FILE_BYTES,
    SLOW_FILE_BYTES,
    SLOW_MBIT_PER_SECOND,
    LinkFigures,
    measure_links,
)
from app.benchmarks.connecting.plugging import PluggingFigures, measure_plugging
from app.benchmarks.window import LIMIT_MS, RACK, measure_window
from app.command_line.output.report import BenchmarkReport, FigureTable
from app.core.facts import Fact
from app.core.units import format_bytes, format_duration
from app.devices.adb.keys import host_key

HEADINGS = ("figure", ">median", ">range or remark", ">wanted")


def measure(rounds: int) -> BenchmarkReport:
    """Measure everything; raises `ShardloomError` where something cannot be measured."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        folder = Path(name)
        links = measure_links(folder, host_key(folder / "keys", folder), rounds)
        behind, direct = measure_plugging(folder, rounds)
        window = measure_window(folder / "window")
    figures = {
        "links": {**asdict(links), "ratio": links.ratio},
        "adb_server": asdict(behind),
        "addresses": asdict(direct),
        "window": window,
    }
    rows = (*_link_rows(links), *_plugging_rows(behind, direct), *_window_rows(window))
    tables = (FigureTable(HEADINGS, rows),)
    return BenchmarkReport("Phones", _explanation(rounds), tables, figures)


Row = tuple[str, str, str, str]


def _explanation(rounds: int) -> Fact:
    return Fact(
        "bench.devices",
        rounds=rounds,
        fast_file=FAST_FILE_BYTES,
        mbit=SLOW_MBIT_PER_SECOND,
        slow_file=SLOW_FILE_BYTES,
        rack=RACK,
    )


def _link_rows(links: LinkFigures) -> list[Row]:
    slow = f"push at {SLOW_MBIT_PER_SECOND:.0f} Mbit/s"
    return [
        ("push, our link", *_rates(links.ours), ""),
        ("push, stock transport", *_rates(links.stock), ""),
        ("push, ours / stock", f"{links.ratio:.2f}", "median of rounds", "at least 0.8"),
        (f"{slow}, our link", "", links.slow_ours, "whole"),
        (f"{slow}, stock transport", "", links.slow_stock, ""),
        ("`shell true`", *_milliseconds(links.calls_ms), "at most 6 ms"),
    ]


def _plugging_rows(behind: PluggingFigures, direct: PluggingFigures) -> list[Row]:
    return [
        ("appears, adb server", *_seconds(behind.appeared_s), "at most 1 s"),
        ("lost, adb server", *_seconds(behind.lost_s), "at most 5 s"),
        ("lost, known address", *_seconds(direct.lost_s), "at most 5 s"),
    ]


def _window_rows(window: dict[str, float]) -> list[Row]:
    ready = f"{window['prepared']:.0f} of {window['phones']:.0f} phones"
    rows = [("window: all ready", format_duration(window["ready_s"]), ready, "")]
    wanted = {"late": "", "blocked": "at most 50 ms", "busy": "at most 50 ms"}
    for kind, limit in wanted.items():
        above = f"{window[f'{kind}_above_limit']:.0f} of {window['beats']:.0f} above {LIMIT_MS:.0f}"
        longest = f"{window[f'{kind}_longest_ms']:.0f} ms"
        rows.append((f"window: longest beat {kind}", longest, above, limit))
    return rows


def _rates(values: Sequence[float]) -> tuple[str, str]:
    median, lowest, highest = statistics.median(values), min(values), max(values)
    return f"{format_bytes(median)}/s", f"{lowest / 1e6:.0f}-{highest / 1e6:.0f} MB/s"


def _milliseconds(values: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(values):.2f} ms", f"{min(values):.2f}-{max(values):.1f} ms"


def _seconds(values: Sequence[float]) -> tuple[str, str]:
    median = format_duration(statistics.median(values))
    return median, f"{min(values):.2f}-{max(values):.2f} s"
