"""`shardloom bench`: figures of this machine, with what the machine is."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from app.command_line.bench_decode import TOKENS, DecodeFigures, measure_decode
from app.command_line.machine import describe_machine
from app.command_line.markdown_section import replace_section
from app.command_line.terminal import print_json, print_line, print_table
from app.core.errors import BadInputError
from app.core.units import format_duration, format_rate

HEADINGS = ("variant", ">median rate", ">range", ">of whole", ">first token", ">settled after")
EXPLANATION = (
    f"Greedy decoding of {TOKENS} tokens by the demo model, one stream, median of"
    " {rounds} interleaved rounds. *Whole* is the model in one onnxruntime session with one thread"
    " and nothing around it; the others are the real path through virtual phones, with their"
    " simulated links, receipts and an audit of every shard before the request settles. The share"
    " of whole is the median over rounds. All variants gave the same tokens. All phones share this"
    " machine's cores, so that more of them cannot be faster here."
)


def execute(arguments: argparse.Namespace) -> int:
    """Measure, print, and keep the figures in a Markdown file where one is named."""
    machine = describe_machine()
    figures = measure_decode(arguments.rounds)
    rows = [_row(each, figures[0]) for each in figures]
    if arguments.json:
        variants = [{**asdict(each), "median": each.median_rate} for each in figures]
        print_json({"bench": arguments.name, "machine": machine, "variants": variants})
    else:
        print_line(machine)
        print_table(HEADINGS, rows)
    if arguments.markdown:
        _write(arguments.markdown, arguments.rounds, machine, rows)
    return 0


def _row(figures: DecodeFigures, whole: DecodeFigures) -> list[str]:
    settled_s = figures.median_settled_s
    return [
        figures.variant,
        format_rate(figures.median_rate),
        f"{min(figures.rates):.1f}-{max(figures.rates):.1f}",
        f"{figures.median_ratio(whole):.3f}",
        format_duration(figures.median_first_token_s),
        "" if settled_s is None else format_duration(settled_s),
    ]


def _today() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d")


def _write(path: Path, rounds: int, machine: str, rows: list[list[str]]) -> None:
    headings = [heading.lstrip(">") for heading in HEADINGS]
    table = [headings, ["---"] * len(headings), *rows]
    lines = [f"| {' | '.join(row)} |" for row in table]
    text = "\n".join([EXPLANATION.format(rounds=rounds), "", f"{_today()}, {machine}.", "", *lines])
    try:
        before = path.read_text() if path.exists() else "# Benchmarks\n"
        path.write_text(replace_section(before, "Decode", text))
    except OSError as error:
        raise BadInputError(f"{path} cannot be written: {error.strerror}.") from None
