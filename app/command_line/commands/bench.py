"""`shardloom bench`: figures of this machine, with what the machine is."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from app.command_line.machine.description import describe_machine
from app.command_line.output.markdown_section import replace_section
from app.command_line.output.report import BenchmarkReport
from app.command_line.output.terminal import print_fact, print_json, print_table
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.words.sentences import sentence


def execute(arguments: argparse.Namespace) -> int:
    """Measure, print, and keep the figures in a Markdown file where one is named."""
    machine = describe_machine()
    report: BenchmarkReport = import_module(f"app.benchmarks.{arguments.name}").measure(
        arguments.rounds
    )
    if arguments.json:
        print_json({"bench": arguments.name, "machine": sentence(machine), **report.figures})
    else:
        print_fact(machine)
        for table in report.tables:
            print_table(table.headings, [list(row) for row in table.rows])
    if arguments.markdown:
        _write(arguments.markdown, arguments.name, machine, report)
    return 0


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
