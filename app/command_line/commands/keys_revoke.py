"""`shardloom keys revoke`: an end to a key for the HTTP address."""

from __future__ import annotations

import argparse

from app.core.clock import SystemClock
from app.gateway.access.keys import KeyStore
from app.rack.home import Home


def execute(arguments: argparse.Namespace) -> int:
    """Revoke the key; answers that are being written to it end within a second."""
    KeyStore(Home(arguments.home).keys, SystemClock()).revoke(arguments.name)
    return 0
