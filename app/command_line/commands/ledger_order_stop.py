"""`shardloom ledger order-stop`: a keeper signs for an emergency stop, or for the end of one."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress

from app.command_line.economy.statements import read_file, sign_into
from app.core.clock import SystemClock
from app.core.errors import LedgerError
from app.ledger.desks.intake import read_statement
from app.ledger.rules.governance.stopping import RESUME, STOP
from app.ledger.views.export import read_economy
from app.ledger.views.pages import read_page
from app.rack.home import Home

HOUR_MS = 3_600_000


def execute(arguments: argparse.Namespace) -> int:
    """Sign it into a file; `stop-by-keepers` takes such files of enough votes together."""
    kind = RESUME if arguments.end else STOP
    sign_into(arguments, kind, {"until_ms": _until_ms(arguments)})
    return 0


def _now_ms(home: Home) -> int:
    """Return the ledger's time, never behind its newest entry; without it this computer's."""
    now_ms = SystemClock().wall_ms()
    with suppress(LedgerError):  # a keeper needs no ledger to sign
        newest = read_page(home.ledger_place, None, 1).rows
        return max([now_ms, *(row.wall_ms for row in newest)])
    return now_ms


def _until_ms(arguments: argparse.Namespace) -> int:
    """Return the moment that is signed for: of all orders for one stop the same."""
    now_ms = _now_ms(Home(arguments.home))
    if arguments.hours:
        return now_ms + int(arguments.hours) * HOUR_MS
    if arguments.end:
        economy = read_economy(Home(arguments.home).ledger_place)
        if economy.stop is None or not economy.stopped_at(now_ms):
            raise LedgerError("governance.not_stopped")
        return economy.stop.until_ms
    said = json.loads(read_statement(read_file(arguments.like)).data)
    until_ms = said.get("until_ms") if isinstance(said, dict) else None
    if type(until_ms) is not int:
        raise LedgerError("governance.other_order")
    return until_ms
