"""`shardloom ledger export`: every entry, account and piece of evidence as one JSON object."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_json
from app.ledger.views.export import export_ledger
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Print the ledger; JSON with or without `--json`."""
    print_json(export_ledger(Home(arguments.home).ledger_file))
    return 0
