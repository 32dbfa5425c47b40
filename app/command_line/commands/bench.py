"""`shardloom bench`: figures of this machine, with what the machine is."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.command_line.machine.description import describe_machine
from app.command_line.output.markdown_section import replace_section
from app.command_line.output.report import BenchmarkReport
from app.command_line.output.terminal import (
    print_fact,
    print_json,
    print_table,
    progress_console,
)
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.words.sentences import fact_text, sentence


def execute(arguments: argparse.Namespace) -> int:
    """Measure, print, and keep the figures in a Markdown file where one is named."""
    name, entries = arguments.name, arguments.entries
    if entries is not None and name != "ledger":
        raise BadInputError("option.entries_without_ledger")
    machine = describe_machine()
    if entries is None:
        report: BenchmarkReport = import_module(f"app.benchmarks.{name}").measure(arguments.rounds)
    else:
        report, name = _measured_long(entries), f"{name} --entries {entries}"
    if arguments.json:
        print_json({"bench": name, "machine": sentence(machine), **report.figures})
    else:
        print_fact(machine)
        for table in report.tables:
            print_table(table.headings, [list(row) for row in table.rows])
    if arguments.markdown:
        _write(arguments.markdown, name, machine, report)
    return 0


def _measured_long(entries: int) -> BenchmarkReport:
    """Measure a long ledger, and paint on a terminal how far it is."""
    console = progress_console()
    label = TextColumn("{task.description}")
    columns = (label, BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def show(stage: Fact, done: int, total: int) -> None:
            text = fact_text(stage)
            progress.update(task, description=text, completed=done, total=total or None)

        long_ledger = import_module("app.benchmarks.stages.long_ledger")
        report: BenchmarkReport = long_ledger.measure_long(entries, show)
        return report


def _write(path: Path, name: str, machine: Fact, report: BenchmarkReport) -> None:
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    source = Fact("bench.source", name=name, date=today, machine=machine)
    lines = [sentence(report.explanation), "", sentence(source)]
    for table in report.tables:
        lines += ["", *table.markdown()]
    try:
        before = path.read_text() if path.exists() else "# Benchmarks\n"
        path.write_text(replace_section(before, report.heading, "\n".join(lines)))
    except OSError as error:
        raise BadInputError("file.unwritable", path=str(path), reason=reason_of(error)) from None
