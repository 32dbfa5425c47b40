"""What faults are called, and what a phone with one does."""

from __future__ import annotations

from typing import assert_never

from app.faults.catalogue import FaultKind
from app.words.catalogue import tr


def fault_word(kind: FaultKind) -> str:
    """Return a fault's name."""
    match kind:
        case FaultKind.WRONG_OUTPUT:
            return tr("Wrong output")
        case FaultKind.SLOW:
            return tr("Slow")
        case FaultKind.CRASH:
            return tr("Crash")
        case FaultKind.HANG:
            return tr("Hang")
        case FaultKind.WITHHELD_RECEIPT:
            return tr("Withheld receipt")
        case FaultKind.ADBD_RESTART:
            return tr("Debugging restarted")
        case FaultKind.UNPLUG:
            return tr("Unplugged")
        case FaultKind.OVERHEAT:
            return tr("Overheated")
        case FaultKind.TAKEN:
            return tr("Taken by another computer")
        case _:
            assert_never(kind)


def injected_fault(fault: str) -> str:
    """Return a fault that a snapshot carries, such as `slow@5`, in words."""
    kind, _, token = fault.partition("@")
    word = fault_word(FaultKind(kind))
    if token in ("", "1"):
        return word
    return tr("{fault} from token {token}").format(fault=word, token=token)


def fault_description(kind: FaultKind) -> str:
    """Return what a phone with that fault does, in a sentence."""
    match kind:
        case FaultKind.WRONG_OUTPUT:
            return tr("Computes its layers, then passes on altered numbers.")
        case FaultKind.SLOW:
            return tr("Takes several times as long for every step.")
        case FaultKind.CRASH:
            return tr("Its worker ends without a word.")
        case FaultKind.HANG:
            return tr("Stays connected and never finishes a step.")
        case FaultKind.WITHHELD_RECEIPT:
            return tr("Does the work and does not sign for it.")
        case FaultKind.ADBD_RESTART:
            return tr("Its debugging is restarted: every ADB connection breaks.")
        case FaultKind.UNPLUG:
            return tr("Its charger is pulled out: the battery drains, and it may fall asleep.")
        case FaultKind.OVERHEAT:
            return tr("Gets as hot as in the sun; a phone that throttles is slowed down.")
        case FaultKind.TAKEN:
            return tr("Another computer takes it: its ADB connections break and none comes up.")
        case _:
            assert_never(kind)
