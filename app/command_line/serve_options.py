"""Options of the HTTP address and of its keys."""

from __future__ import annotations

import argparse

from app.command_line.option_types import port, positive, slots
from app.rack.options import DEFAULT_MODEL, DEFAULT_SLOTS

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080


def add_address(parser: argparse.ArgumentParser) -> None:
    """Add what `serve` takes besides the rack."""
    parser.add_argument("--model", default=DEFAULT_MODEL, help="an imported model")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="0 takes one that is free")
    parser.add_argument(
        "--host", default=LOOPBACK, metavar="ADDRESS", help="another than loopback needs keys"
    )
    parser.add_argument(
        "--streams", type=slots, default=DEFAULT_SLOTS, metavar="K", help="answers at a time"
    )
    parser.add_argument(
        "--load-models",
        action="store_true",
        help="put another model on the rack when one is asked for and nothing runs",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what a key may ask for."""
    parser.add_argument("--requests-per-minute", type=positive(int), metavar="N", help="at most N")
    parser.add_argument(
        "--tokens-per-minute", type=positive(int), metavar="N", help="at most N, read and written"
    )
