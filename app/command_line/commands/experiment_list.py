"""`shardloom experiment list`: those that are kept, the newest first."""

from __future__ import annotations

import argparse

from app.command_line.output.experiments import print_records, record_report
from app.command_line.output.terminal import print_json
from app.faults.experiments.archive import ExperimentArchive


def execute(arguments: argparse.Namespace) -> int:
    """Print them."""
    records = ExperimentArchive(arguments.home).all()
    if arguments.json:
        print_json({"experiments": [record_report(each) for each in records]})
    else:
        print_records(records)
    return 0
