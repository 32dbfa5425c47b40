"""`shardloom experiment show`: what a kept experiment showed."""

from __future__ import annotations

import argparse

from app.command_line.output.experiments import print_record, record_report
from app.command_line.output.terminal import print_json
from app.faults.experiments.archive import ExperimentArchive


def execute(arguments: argparse.Namespace) -> int:
    """Print it."""
    record = ExperimentArchive(arguments.home).read(arguments.name)
    if arguments.json:
        print_json(record_report(record))
    else:
        print_record(record)
    return 0
