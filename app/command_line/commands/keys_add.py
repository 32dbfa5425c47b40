"""`shardloom keys add`: a new key for the HTTP address."""

from __future__ import annotations

import argparse

from app.command_line.output.terminal import print_json, print_line
from app.core.clock import SystemClock
from app.gateway.access.keys import KeyStore
from app.rack.door.serving import KeyLimits
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Make the key and print it: nobody can read it again."""
    limits = KeyLimits(arguments.requests_per_minute, arguments.tokens_per_minute)
    key = KeyStore(Home(arguments.home).keys, SystemClock()).add(arguments.name, limits)
    if arguments.json:
        print_json({"name": arguments.name, "key": key})
    else:
        print_line(key)
    return 0
