"""`shardloom experiment report`: a kept experiment as one HTML file."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_fact
from app.core.errors import BadInputError, reason_of
from app.core.facts import Fact
from app.faults.experiments.archive import ExperimentArchive
from app.words.experiments.report import report_html


def execute(arguments: argparse.Namespace) -> int:
    """Write it."""
    record = ExperimentArchive(arguments.home).read(arguments.name)
    try:
        arguments.out.write_text(report_html(record), "utf-8")
    except OSError as error:
        raise BadInputError(
            "experiment.report_not_written", file=str(arguments.out), reason=reason_of(error)
        ) from None
    print_fact(Fact("experiment.report_written", file=str(arguments.out)))
    return 0
