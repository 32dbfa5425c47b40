"""The commands for the HTTP address and its keys, with their options."""

from __future__ import annotations

import argparse

from app.command_line.option_groups import Commands, add_command, add_group, add_json, add_slot
from app.command_line.option_types import port, positive, slots
from app.command_line.rack_arguments import add_conditions, add_rack
from app.rack.options import DEFAULT_MODEL, DEFAULT_SLOTS

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8080


def add_serve(commands: Commands) -> None:
    """Add the command that opens the address."""
    parser = add_command(commands, "serve", "serve", help="Offer a rack over HTTP as OpenAI does.")
    add_rack(parser)
    add_conditions(parser)
    _add_address(parser)
    add_slot(parser)


def add_keys(commands: Commands) -> None:
    """Add the commands for keys of the address."""
    actions = add_group(commands, "keys", help="Make, list and revoke keys for the HTTP address.")
    add = add_command(actions, "add", "keys_add", help="Make a key and print it, this once.")
    add.add_argument("name", help="whose it is")
    _add_limits(add)
    add_json(add)
    add_json(add_command(actions, "list", "keys_list", help="List all keys there ever were."))
    revoke = add_command(actions, "revoke", "keys_revoke", help="Let a key open nothing any more.")
    revoke.add_argument("name", help="as the list has it")


def _add_address(parser: argparse.ArgumentParser) -> None:
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


def _add_limits(parser: argparse.ArgumentParser) -> None:
    """Add what a key may ask for."""
    parser.add_argument("--requests-per-minute", type=positive(int), metavar="N", help="at most N")
    parser.add_argument(
        "--tokens-per-minute", type=positive(int), metavar="N", help="at most N, read and written"
    )
