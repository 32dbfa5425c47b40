"""`shardloom devices standby`: phones of an open rack hand their layers on, and are kept ready."""

from __future__ import annotations

import argparse
from typing import Final

from app.command_line.output.terminal import print_fact, print_json
from app.command_line.rack_session import RackSession
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.rack.commands import Apply
from app.rack.door.remote_rack import find_open
from app.rack.home import Home
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.rack.standing_by import plan_with
from app.words.states import phone_name

MOVE_TIMEOUT_S: Final = 300.0


def execute(arguments: argparse.Namespace) -> int:
    """Ask the rack that is open on the home; the phones' own word names are taken too."""
    remote = find_open(Home(arguments.home))
    if remote is None:
        raise BadInputError("standby.no_rack", home=str(arguments.home))
    session = RackSession(remote, shared=True)
    try:
        snapshot = session.wait_until_ready()
        phones = [_named(snapshot, name) for name in arguments.phones]
        serials = [phone.serial for phone in phones]
        wanted = plan_with(snapshot, serials, stand_by=not arguments.take_up)
        session.control.do(wanted).result(MOVE_TIMEOUT_S)
        session.control.do(Apply()).result(MOVE_TIMEOUT_S)
        excluded = sorted(session.control.snapshot().conditions.excluded)
    finally:
        session.close()
    if arguments.json:
        print_json({"standing_by": excluded})
    else:
        code = "standby.taken_up" if arguments.take_up else "standby.stands_by"
        print_fact(Fact(code, phones=tuple(map(phone_name, phones))))
    return 0


def _named(snapshot: RackSnapshot, name: str) -> PhoneSnapshot:
    """Return the phone of a serial or, where only one has it, of a name."""
    by_serial = [phone for phone in snapshot.phones if phone.serial == Serial(name)]
    found = by_serial or [phone for phone in snapshot.phones if phone_name(phone) == name]
    if len(found) == 1:
        return found[0]
    raise BadInputError("standby.several" if found else "standby.unknown", name=name)
