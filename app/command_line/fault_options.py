"""Breaking phones on purpose before a run."""

from __future__ import annotations

from collections.abc import Sequence

from app.command_line.failures import complain
from app.command_line.rack_session import COMMAND_TIMEOUT_S, RackSession
from app.core.device import DeviceState
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.faults.catalogue import parse_fault
from app.rack.commands import Apply, Inject, Release, Replan
from app.rack.snapshot import RackSnapshot
from app.words.sentences import sentence


def inject_faults(
    session: RackSession, snapshot: RackSnapshot, specifications: Sequence[str]
) -> None:
    """Set every fault on its phone. Raises `BadInputError` where the rack has no such phone."""
    serials = [phone.serial for phone in snapshot.phones]
    faults = [parse_fault(text, serials) for text in specifications]
    _release_jailed(session, snapshot, {fault.serial for fault in faults})
    for fault in faults:
        session.control.do(Inject(fault)).result(COMMAND_TIMEOUT_S)


def _release_jailed(session: RackSession, snapshot: RackSnapshot, wanted: set[Serial]) -> None:
    """Let phones that are to be broken work again, so that the fault can show itself."""
    jailed = [
        phone
        for phone in snapshot.phones
        if phone.serial in wanted and phone.state is DeviceState.JAILED
    ]
    for phone in jailed:
        session.control.do(Release(phone.serial)).result(COMMAND_TIMEOUT_S)
        complain(sentence(Fact("fault.released_from_jail", phone=phone.serial)))
    if jailed:
        replan = Replan(snapshot.objective, snapshot.pins)
        session.control.do(replan).result(COMMAND_TIMEOUT_S)
        session.control.do(Apply()).result(COMMAND_TIMEOUT_S)
