"""`shardloom keys list`: every key for the HTTP address, revoked ones too."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from datetime import UTC, datetime

from app.command_line.output.terminal import print_json, print_table
from app.core.clock import SystemClock
from app.gateway.access.keys import KeyStore
from app.rack.door.serving import ApiKey
from app.rack.home import Home

HEADINGS = ("name", "made", "last used", "revoked", ">requests/min", ">tokens/min")


def execute(arguments: argparse.Namespace) -> int:
    """Print them in a table, or as one JSON object."""
    keys = KeyStore(Home(arguments.home).keys, SystemClock()).all()
    if arguments.json:
        print_json({"keys": [asdict(key) for key in keys]})
    else:
        print_table(HEADINGS, [_row(key) for key in keys])
    return 0


def _row(key: ApiKey) -> list[str]:
    limits = key.limits
    return [
        key.name,
        _when(key.created_ms),
        "" if key.used_ms is None else _when(key.used_ms),
        "" if key.revoked_ms is None else _when(key.revoked_ms),
        _figure(limits.requests_per_minute),
        _figure(limits.tokens_per_minute),
    ]


def _figure(limit: int | None) -> str:
    return "" if limit is None else f"{limit:,}"


def _when(wall_ms: int) -> str:
    return f"{datetime.fromtimestamp(wall_ms / 1000, UTC):%Y-%m-%d %H:%M}"
