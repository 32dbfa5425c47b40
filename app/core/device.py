"""A phone as the rack sees it: what it is, what state it is in, how fast it was measured to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from app.core.facts import Fact
from app.core.identifiers import Serial


class DeviceState(StrEnum):
    """A phone's standing, in the words the interface shows."""

    FOUND = "found"
    UNAUTHORIZED = "unauthorised"
    BUSY = "busy elsewhere"
    UNSUITABLE = "wrong CPU"
    PREPARING = "preparing"
    STANDBY = "standby"
    READY = "ready"
    WORKING = "working"
    JAILED = "jailed"
    LOST = "lost"


def standing(serial: Serial, state: DeviceState, reason: Fact | None) -> Fact:
    """Return which phone it is and how it stands; a reason that names the phone is enough."""
    if reason is None:
        return Fact("phone.stands", phone=serial, state=state)
    if reason.mentions(serial):
        return reason
    return Fact("phone.stands_because", phone=serial, reason=reason)


class Route(StrEnum):
    """How bytes go from one end of a link to the other."""

    DIRECT = "direct"
    ADB = "through adb"
    """Between this computer and a phone, inside the phone's ADB connection."""
    RELAYED = "through this computer"
    """From phone to phone, where the first cannot reach the second by itself."""
    SERVER = "through their adb server"
    """The same, where both phones are held by another computer."""


MEMORY_SHARE: Final = 0.7
"""Share of available memory that layers may take (LinguaLinked's budget)."""
MOST_MEMORY_SHARE: Final = 2.0
"""Android calls memory taken that it gives to whoever needs it: an operator may know of more."""


def is_memory_share(share: float) -> bool:
    """Tell whether layers may be given that share of a phone's available memory."""
    return 0 < share <= MOST_MEMORY_SHARE


@dataclass(frozen=True)
class KnownPhone:
    """What an operator says of a phone beforehand; None where it is as usual."""

    phone: str
    """Its serial number, or the name under which a rack has it; or what it calls itself."""
    name: str | None = None
    memory_share: float | None = None
    """Share of available memory that layers may take, at the operator's own risk."""


@dataclass(frozen=True)
class DeviceDescription:
    """What a phone says of itself. `simulated` is for display only."""

    serial: Serial
    name: str
    manufacturer: str
    abi: str
    android_version: str
    cores: int
    transport: str
    simulated: bool
    limits: tuple[str, ...] = ()
    """What holds a simulated phone to its figures, or could not; one plain line each."""


USUAL_WATTS: Final = 4.0
"""Taken for what a phone draws while it computes, until its battery tells."""


@dataclass(frozen=True)
class DeviceProfile:
    """What the planner needs to know of a phone, all measured on it.

    A stage's time for one token is `weight_bytes / weight_bytes_per_second + step_overhead_s`;
    for a prompt chunk, whichever is longer of that and `flops / flops_per_second`.
    """

    serial: Serial
    memory_budget_bytes: int
    weight_bytes_per_second: float
    flops_per_second: float
    step_overhead_s: float
    active_watts: float = USUAL_WATTS
    """What it draws more while a stage computes."""
    is_drain_measured: bool = False
    """Whether `active_watts` is by what its battery lost."""

    def slowed(self, factor: float) -> DeviceProfile:
        """Return the profile of a phone that takes so many times as long for everything."""
        return replace(
            self,
            weight_bytes_per_second=self.weight_bytes_per_second / factor,
            flops_per_second=self.flops_per_second / factor,
            step_overhead_s=self.step_overhead_s * factor,
        )


@dataclass(frozen=True)
class LinkProfile:
    """One direction between two phones, or a phone and the host."""

    latency_s: float
    bytes_per_second: float


@dataclass(frozen=True)
class PhoneInspection:
    """What a phone tells of its work: lines as it gave them, the newest last, if it gave any."""

    worker_log: tuple[str, ...]
    android_log: tuple[str, ...]
    files: tuple[str, ...]
