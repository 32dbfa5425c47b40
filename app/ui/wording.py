"""Words for states, phases, objectives and amounts, in the operator's terms."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from PySide6.QtCore import QCoreApplication

from app.core.device import DeviceState
from app.core.units import significant
from app.faults.catalogue import FaultKind
from app.ledger.rules.economy import CREDIT
from app.placement.problem import Objective
from app.rack.snapshot import Phase, PhoneSnapshot, RackSnapshot, RequestSnapshot, RequestState

_NAMED = 2
"""How many phones are named before they are counted."""


def phone_name(phone: PhoneSnapshot) -> str:
    """Return the name a phone gives itself, or its serial."""
    return phone.description.name if phone.description else str(phone.serial)


def state_word(state: DeviceState) -> str:
    """Return a phone's state in one or two words."""
    tr = QCoreApplication.translate
    match state:
        case DeviceState.FOUND:
            return tr("Words", "found")
        case DeviceState.UNAUTHORIZED:
            return tr("Words", "not authorised")
        case DeviceState.BUSY:
            return tr("Words", "busy elsewhere")
        case DeviceState.UNSUITABLE:
            return tr("Words", "wrong CPU")
        case DeviceState.PREPARING:
            return tr("Words", "preparing")
        case DeviceState.STANDBY:
            return tr("Words", "standby")
        case DeviceState.READY:
            return tr("Words", "ready")
        case DeviceState.WORKING:
            return tr("Words", "working")
        case DeviceState.JAILED:
            return tr("Words", "jailed")
        case DeviceState.LOST:
            return tr("Words", "lost")
        case _:
            assert_never(state)


def phase_word(phase: Phase) -> str:
    """Return the rack's phase in one word, as the header shows it."""
    tr = QCoreApplication.translate
    match phase:
        case Phase.STARTING:
            return tr("Words", "STARTING")
        case Phase.DEPLOYING:
            return tr("Words", "DEPLOYING")
        case Phase.READY:
            return tr("Words", "READY")
        case Phase.RUNNING:
            return tr("Words", "RUNNING")
        case Phase.DEGRADED:
            return tr("Words", "DEGRADED")
        case Phase.FAILED:
            return tr("Words", "FAILED")
        case Phase.STOPPED:
            return tr("Words", "STOPPED")
        case _:
            assert_never(phase)


def phase_text(snapshot: RackSnapshot) -> str:
    """Return the rack's phase, and why where it is degraded."""
    word = phase_word(snapshot.phase)
    if snapshot.phase is not Phase.DEGRADED:
        return word
    lost = [phone_name(each) for each in snapshot.phones if each.state is DeviceState.LOST]
    tr = QCoreApplication.translate
    if len(lost) > _NAMED:
        return tr("Words", "{phase}: {count} phones lost").format(phase=word, count=len(lost))
    named = ", ".join(lost)
    return tr("Words", "{phase}: {phones} lost").format(phase=word, phones=named) if lost else word


def harmed_word() -> str:
    """Return what is said beside a model that quantisation has clearly harmed."""
    return QCoreApplication.translate("Words", "▲ clearly worse than before quantisation")


def request_word(request: RequestSnapshot) -> str:
    """Return where a request stands; verified is only what was computed again as a whole."""
    tr = QCoreApplication.translate
    match request.state:
        case RequestState.WAITING:
            return tr("Words", "waiting")
        case RequestState.PREFILL:
            return tr("Words", "reading the prompt")
        case RequestState.DECODING:
            return tr("Words", "writing")
        case RequestState.AUDITING:
            return tr("Words", "checking")
        case RequestState.RECOVERING:
            return tr("Words", "recovering")
        case RequestState.SETTLED:
            return tr("Words", "verified") if request.verified else tr("Words", "settled")
        case RequestState.CANCELLED:
            return tr("Words", "cancelled")
        case RequestState.FAILED:
            return tr("Words", "failed")
        case _:
            assert_never(request.state)


def objective_word(objective: Objective) -> str:
    """Return what the planner is asked for."""
    tr = QCoreApplication.translate
    match objective:
        case Objective.LATENCY:
            return tr("Words", "Latency")
        case Objective.THROUGHPUT:
            return tr("Words", "Throughput")
        case Objective.ENERGY:
            return tr("Words", "Energy")
        case _:
            assert_never(objective)


def fault_word(kind: FaultKind) -> str:
    """Return a fault's name."""
    tr = QCoreApplication.translate
    match kind:
        case FaultKind.WRONG_OUTPUT:
            return tr("Words", "Wrong output")
        case FaultKind.SLOW:
            return tr("Words", "Slow")
        case FaultKind.CRASH:
            return tr("Words", "Crash")
        case FaultKind.HANG:
            return tr("Words", "Hang")
        case FaultKind.WITHHELD_RECEIPT:
            return tr("Words", "Withheld receipt")
        case FaultKind.ADBD_RESTART:
            return tr("Words", "Debugging restarted")
        case FaultKind.UNPLUG:
            return tr("Words", "Unplugged")
        case FaultKind.OVERHEAT:
            return tr("Words", "Overheated")
        case FaultKind.TAKEN:
            return tr("Words", "Taken by another computer")
        case _:
            assert_never(kind)


def credits_text(amount: int) -> str:
    """Return micro-credits as credits, such as `500 cr`."""
    credit = amount / CREDIT
    return f"{significant(credit)} cr" if amount % CREDIT else f"{credit:,.0f} cr"


def clock_text(wall_ms: int) -> str:
    """Return a moment as the operator's local time of day."""
    return datetime.fromtimestamp(wall_ms / 1000).astimezone().strftime("%H:%M:%S")
