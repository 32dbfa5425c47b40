"""`shardloom experiment compare`: two kept experiments side by side."""

from __future__ import annotations

import argparse

from app.command_line.output.experiments import record_report
from app.command_line.output.terminal import print_json, print_table
from app.faults.experiments.archive import ExperimentArchive
from app.words.catalogue import tr
from app.words.experiments.comparison import compared_rows


def execute(arguments: argparse.Namespace) -> int:
    """Print both."""
    archive = ExperimentArchive(arguments.home)
    first, second = archive.read(arguments.first), archive.read(arguments.second)
    if arguments.json:
        print_json({"experiments": [record_report(first), record_report(second)]})
    else:
        rows = compared_rows(first, second)
        print_table(
            [tr("figure"), first.identifier, second.identifier], [list(row) for row in rows]
        )
    return 0
