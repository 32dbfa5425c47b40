"""`shardloom ledger key`: the public key that others verify this ledger with."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_json, print_line
from app.ledger.journal.keys import read_public_key
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Print the key's 32 bytes in hexadecimal. Raises `LedgerError` where there is none."""
    key = read_public_key(Home(arguments.home).ledger_key).hex()
    if arguments.json:
        print_json({"public_key": key})
    else:
        print_line(key)
    return 0
