"""`shardloom audit`: a short text whose every stage is audited, operator by operator if wanted."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any, Final

from app.command_line.fault_options import inject_faults
from app.command_line.options import rack_options
from app.command_line.output.progress import shown_progress
from app.command_line.output.terminal import print_json, print_table
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession, opened_rack, tell_left_out
from app.command_line.request_progress import wait_until_ended
from app.core.tasks import Complete
from app.rack.commands import Ask
from app.rack.snapshot import RackSnapshot, TimelineEvent, TimelineKind
from app.words.catalogue import message
from app.words.sentences import fact_text

FOUND_WRONG: Final = 1
_WRONG: Final = frozenset({TimelineKind.AUDIT_DEVIATES, TimelineKind.AUDIT_FAILED})
_ABOUT: Final = "audit."
HEADINGS: Final = (message("phone"), message("audit"))


def execute(arguments: argparse.Namespace) -> int:
    """Show what every audit came to; status 1 where one found something."""
    arguments.audit_rate = 1.0
    arguments.sharp_rate = 1.0 if arguments.sharp else 0.0
    with opened_rack(rack_options(arguments)) as session, shown_progress(session):
        snapshot = _run(session, arguments)
    events = [event for event in snapshot.timeline if event.fact.code.startswith(_ABOUT)]
    if arguments.json:
        print_json({"audits": [_record(event) for event in events]})
    else:
        print_table(HEADINGS, [(event.serial or "", fact_text(event.fact)) for event in events])
    return FOUND_WRONG if any(event.kind in _WRONG for event in events) else 0


def _run(session: RackSession, arguments: argparse.Namespace) -> RackSnapshot:
    """Return the rack once the text is checked, whatever came of it."""
    snapshot = session.wait_until_ready()
    tell_left_out(snapshot)
    inject_faults(session, snapshot, arguments.fault)
    asked = Ask(Complete(arguments.prompt), arguments.tokens)
    identifier = session.control.do(asked).result(COMMAND_TIMEOUT_S)
    ended, _requests = wait_until_ended(session, [identifier])
    return ended


def _record(event: TimelineEvent) -> dict[str, Any]:
    return {"phone": event.serial, "kind": event.kind, **asdict(event.fact)}
