"""Words for states, phases, objectives and amounts, in the operator's terms."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QCoreApplication

from app.core.device import DeviceState
from app.core.units import significant
from app.faults.catalogue import FaultKind
from app.placement.problem import Objective
from app.rack.snapshot import Phase, PhoneSnapshot, RackSnapshot, RequestSnapshot, RequestState

MICRO_CREDITS = 1_000_000
_NAMED = 2
"""How many phones are named before they are counted."""


def phone_name(phone: PhoneSnapshot) -> str:
    """Return the name a phone gives itself, or its serial."""
    return phone.description.name if phone.description else str(phone.serial)


def state_word(state: DeviceState) -> str:
    """Return a phone's state in one or two words."""
    tr = QCoreApplication.translate
    return {
        DeviceState.FOUND: tr("Words", "found"),
        DeviceState.UNAUTHORIZED: tr("Words", "not authorised"),
        DeviceState.BUSY: tr("Words", "busy elsewhere"),
        DeviceState.UNSUITABLE: tr("Words", "wrong CPU"),
        DeviceState.PREPARING: tr("Words", "preparing"),
        DeviceState.STANDBY: tr("Words", "standby"),
        DeviceState.READY: tr("Words", "ready"),
        DeviceState.WORKING: tr("Words", "working"),
        DeviceState.JAILED: tr("Words", "jailed"),
        DeviceState.LOST: tr("Words", "lost"),
    }[state]


def phase_word(phase: Phase) -> str:
    """Return the rack's phase in one word, as the header shows it."""
    tr = QCoreApplication.translate
    return {
        Phase.STARTING: tr("Words", "STARTING"),
        Phase.DEPLOYING: tr("Words", "DEPLOYING"),
        Phase.READY: tr("Words", "READY"),
        Phase.RUNNING: tr("Words", "RUNNING"),
        Phase.DEGRADED: tr("Words", "DEGRADED"),
        Phase.FAILED: tr("Words", "FAILED"),
        Phase.STOPPED: tr("Words", "STOPPED"),
    }[phase]


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
    if request.state is RequestState.SETTLED and request.verified:
        return tr("Words", "verified")
    return {
        RequestState.WAITING: tr("Words", "waiting"),
        RequestState.PREFILL: tr("Words", "reading the prompt"),
        RequestState.DECODING: tr("Words", "writing"),
        RequestState.AUDITING: tr("Words", "checking"),
        RequestState.RECOVERING: tr("Words", "recovering"),
        RequestState.SETTLED: tr("Words", "settled"),
        RequestState.CANCELLED: tr("Words", "cancelled"),
        RequestState.FAILED: tr("Words", "failed"),
    }[request.state]


def objective_word(objective: Objective) -> str:
    """Return what the planner is asked for."""
    tr = QCoreApplication.translate
    return {
        Objective.LATENCY: tr("Words", "Latency"),
        Objective.THROUGHPUT: tr("Words", "Throughput"),
        Objective.ENERGY: tr("Words", "Energy"),
    }[objective]


def fault_word(kind: FaultKind) -> str:
    """Return a fault's name."""
    tr = QCoreApplication.translate
    return {
        FaultKind.WRONG_OUTPUT: tr("Words", "Wrong output"),
        FaultKind.SLOW: tr("Words", "Slow"),
        FaultKind.CRASH: tr("Words", "Crash"),
        FaultKind.HANG: tr("Words", "Hang"),
        FaultKind.WITHHELD_RECEIPT: tr("Words", "Withheld receipt"),
        FaultKind.ADBD_RESTART: tr("Words", "Debugging restarted"),
        FaultKind.UNPLUG: tr("Words", "Unplugged"),
        FaultKind.OVERHEAT: tr("Words", "Overheated"),
        FaultKind.TAKEN: tr("Words", "Taken by another computer"),
    }[kind]


def credits_text(amount: int) -> str:
    """Return micro-credits as credits, such as `500 cr`."""
    credit = amount / MICRO_CREDITS
    return f"{significant(credit)} cr" if amount % MICRO_CREDITS else f"{credit:,.0f} cr"


def clock_text(wall_ms: int) -> str:
    """Return a moment as the operator's local time of day."""
    return datetime.fromtimestamp(wall_ms / 1000).astimezone().strftime("%H:%M:%S")
