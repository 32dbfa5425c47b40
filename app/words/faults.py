"""What faults are called, what a phone with one does, and what should notice it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, assert_never

from app.core.units import significant
from app.faults.kinds import FaultKind
from app.faults.specifications import Catcher, Unit, Where
from app.words.catalogue import Message, message, tr

_BADGE: Final = re.compile(
    r"(?P<kind>[a-z-]+)@(?P<token>\d+)(?:=(?P<amount>[\d.e+-]+))?(?:%(?P<share>[\d.e+-]+))?"
)
_WORDS: Final[Mapping[FaultKind, tuple[Message, Message]]] = {
    FaultKind.WRONG_OUTPUT: (
        message("Wrong output"),
        message("Computes its layers, then passes on altered numbers."),
    ),
    FaultKind.NOISE: (
        message("Noise"),
        message("Adds a little chance to every number that it passes on."),
    ),
    FaultKind.COARSE: (
        message("Coarse numbers"),
        message("Rounds its numbers to few bits, as cheaper weights would."),
    ),
    FaultKind.SKIPPED: (
        message("Skipped layers"),
        message("Passes on what it got, as if its layers had done nothing; in the middle alone."),
    ),
    FaultKind.STALE: (
        message("Output of the step before"),
        message("Passes on what it computed for the step before; not at the end of the ring."),
    ),
    FaultKind.SECOND_BEST: (
        message("Second-best token"),
        message("As the last phone, answers with the token that came second."),
    ),
    FaultKind.FALSE_FIGURES: (
        message("False probabilities"),
        message("As the last phone, answers the right token and lies about how likely it was."),
    ),
    FaultKind.TWO_TONGUES: (
        message("Two tongues"),
        message("As the last phone, tells the first one another token than this computer."),
    ),
    FaultKind.NOT_FINITE: (
        message("Not numbers"),
        message("Passes on what is no number at all."),
    ),
    FaultKind.WRONG_SHAPE: (
        message("Wrong shape"),
        message("Passes on rows that are one number short."),
    ),
    FaultKind.WRONG_STEP: (
        message("Wrong step number"),
        message("Passes its rows on under the number of the next step."),
    ),
    FaultKind.EARLY_ANSWER: (
        message("Early answer"),
        message("Answers this computer with a token though its place is in the middle."),
    ),
    FaultKind.FALSE_REPORT: (
        message("False report"),
        message("Reports that a phone is broken which is not there, and passes nothing on."),
    ),
    FaultKind.HIDDEN_TRANSCRIPT: (
        message("Hidden transcript"),
        message("Lies, and will not show an audit what it computed with."),
    ),
    FaultKind.FORGED_TRANSCRIPT: (
        message("Forged transcript"),
        message("Shows an audit other inputs than it received."),
    ),
    FaultKind.BLOATED_TRANSCRIPT: (
        message("Bloated transcript"),
        message("Answers an audit with megabytes that nobody asked for."),
    ),
    FaultKind.WITHHELD_RECEIPT: (
        message("Withheld receipt"),
        message("Does the work and does not sign for it."),
    ),
    FaultKind.CLAIMED_STEPS: (
        message("Claimed steps"),
        message("Signs for more steps than it has done."),
    ),
    FaultKind.FORGED_INPUT: (
        message("Forged input"),
        message("Signs for other inputs than it received."),
    ),
    FaultKind.FOREIGN_KEY: (
        message("Foreign key"),
        message("Signs its receipts with a key that nobody knows."),
    ),
    FaultKind.FALSE_CLAIM: (
        message("False claim"),
        message("Signs that it is several times as quick as it signs that it was."),
    ),
    FaultKind.SLOW: (message("Slow"), message("Takes several times as long for every step.")),
    FaultKind.CRASH: (message("Crash"), message("Its worker ends without a word.")),
    FaultKind.HANG: (message("Hang"), message("Stays connected and never finishes a step.")),
    FaultKind.LINK_DELAY: (
        message("Slow link"),
        message("What it sends to the next phone arrives late."),
    ),
    FaultKind.LINK_LOSS: (
        message("Lossy link"),
        message("Some of what it sends to the next phone never arrives."),
    ),
    FaultKind.LINK_CORRUPTION: (
        message("Corrupting link"),
        message("What it sends to the next phone is damaged on the way, after it signed for it."),
    ),
    FaultKind.ONE_WAY: (
        message("One-way link"),
        message("It hears the other phones, and none of them hears it."),
    ),
    FaultKind.PARTITION: (
        message("Partition"),
        message("No phone hears it and it hears none; this computer still reaches it."),
    ),
    FaultKind.CLOCK_SKEW: (
        message("Wrong clock"),
        message("Its clock jumps ahead, and every time that it tells with it."),
    ),
    FaultKind.MEMORY_HOG: (
        message("Memory taken"),
        message("Something takes that much of its memory."),
    ),
    FaultKind.STORAGE_FULL: (
        message("Storage full"),
        message("It can write nothing more: no receipt is numbered, so none is signed."),
    ),
    FaultKind.ADBD_RESTART: (
        message("Debugging restarted"),
        message("Its debugging is restarted: every ADB connection breaks."),
    ),
    FaultKind.UNPLUG: (
        message("Unplugged"),
        message("Its charger is pulled out: the battery drains, and it may fall asleep."),
    ),
    FaultKind.OVERHEAT: (
        message("Overheated"),
        message("Gets as hot as in the sun; a phone that throttles is slowed down."),
    ),
    FaultKind.TAKEN: (
        message("Taken by another computer"),
        message("Another computer takes it: its ADB connections break and none comes up."),
    ),
    FaultKind.HOST_STALL: (
        message("This computer stalls"),
        message("The control centre stands still for a moment, whatever comes meanwhile."),
    ),
    FaultKind.LEDGER_STALL: (
        message("The ledger's disk stalls"),
        message("The ledger writes nothing for a moment."),
    ),
}
"""Of each kind its name and what it does."""


def fault_word(kind: FaultKind) -> str:
    """Return a fault's name."""
    return tr(_WORDS[kind][0])


def fault_description(kind: FaultKind) -> str:
    """Return what a phone with that fault does, in a sentence."""
    return tr(_WORDS[kind][1])


def injected_fault(fault: str) -> str:
    """Return a fault that a snapshot carries, such as `slow@5`, in words."""
    match = _BADGE.fullmatch(fault)
    if match is None:
        return fault
    told = fault_word(FaultKind(match["kind"]))
    if int(match["token"]) != 1:
        told = tr("{fault} from token {token}").format(fault=told, token=match["token"])
    if match["share"]:
        share = significant(float(match["share"]))
        told = tr("{fault} in {share} % of the steps").format(fault=told, share=share)
    return told


def where_word(where: Where) -> str:
    """Return what is struck, as the heading of a group of faults."""
    match where:
        case Where.WORK:
            return tr("Work")
        case Where.LINK:
            return tr("Links")
        case Where.CLOCK:
            return tr("Clocks")
        case Where.MEMORY:
            return tr("Memory")
        case Where.STORAGE:
            return tr("Storage")
        case Where.PHONE:
            return tr("The phone itself")
        case Where.HOST:
            return tr("This computer")
        case _:
            assert_never(where)


def catcher_word(catcher: Catcher) -> str:
    """Return what notices a fault."""
    match catcher:
        case Catcher.AUDIT:
            return tr("an audit")
        case Catcher.PAPERS:
            return tr("what it signed or said")
        case Catcher.DEADLINE:
            return tr("a deadline")
        case Catcher.CONNECTION:
            return tr("its connection")
        case Catcher.BALANCING:
            return tr("balancing")
        case Catcher.NOBODY:
            return tr("nobody")
        case _:
            assert_never(catcher)


def amount_text(amount: float, unit: Unit) -> str:
    """Return how much of a fault there is, with its unit."""
    told = significant(amount)
    match unit:
        case Unit.TIMES:
            return tr("{amount} times").format(amount=told)
        case Unit.SHARE:
            return tr("{amount} % of each number").format(amount=significant(amount * 100))
        case Unit.BITS:
            return tr("{amount} bits").format(amount=told)
        case Unit.STEPS:
            return tr("{amount} steps").format(amount=told)
        case Unit.CELSIUS:
            return f"{told} °C"
        case Unit.MILLISECONDS | Unit.SECONDS | Unit.MEBIBYTES:
            return f"{told} {unit.value}"
        case _:
            assert_never(unit)
