"""A phone as the service thread keeps it: its parts, and the states that it passes through."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.core.device import (
    MEMORY_SHARE,
    MOST_MEMORY_SHARE,
    USUAL_WATTS,
    DeviceDescription,
    DeviceProfile,
    DeviceState,
    LinkProfile,
    Route,
    is_memory_share,
)
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import BlobHash, Serial
from app.core.vitals import DeviceVitals
from app.devices.adb.link import PhoneLink
from app.devices.condition.drain import DrainMeter
from app.devices.condition.vitals import VitalsReader
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.worker_host import PhoneHold
from app.faults.catalogue import Fault
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.worker_client import WorkerClient
from app.rack.snapshot import PhoneSnapshot, PhoneTelemetry, Transfer

WAITING: Final = frozenset({DeviceState.UNAUTHORIZED, DeviceState.BUSY, DeviceState.UNSUITABLE})
"""It was found, and cannot be used before somebody does something about it."""
_NOT_HERE: Final = WAITING | {DeviceState.LOST}
TRANSITIONS: Final[Mapping[DeviceState, frozenset[DeviceState]]] = {
    DeviceState.FOUND: frozenset({DeviceState.PREPARING}),
    **{state: _NOT_HERE - {state} | {DeviceState.PREPARING} for state in _NOT_HERE},
    DeviceState.PREPARING: frozenset(
        {DeviceState.STANDBY, DeviceState.READY, DeviceState.JAILED}
        | {DeviceState.LOST, DeviceState.BUSY}
    ),
    DeviceState.STANDBY: _NOT_HERE | {DeviceState.PREPARING},
    DeviceState.READY: frozenset({DeviceState.PREPARING, DeviceState.JAILED, DeviceState.LOST}),
    DeviceState.JAILED: frozenset({DeviceState.READY, DeviceState.PREPARING, DeviceState.LOST}),
    DeviceState.WORKING: frozenset(),
}
"""What may follow each state. Only a phone that was made ready can be used or go to jail, only one
that is in jail is released, and nothing is `WORKING`: that is how a snapshot shows a ready one."""


class ForbiddenTransitionError(RuntimeError):
    """A phone was to enter a state that cannot follow the one it is in: a mistake of ours.

    Its arguments are the two states.
    """


class Lifecycle:
    """The state of one phone, and why it is in it. Lives on the service loop."""

    def __init__(self, state: DeviceState = DeviceState.FOUND, reason: Fact | None = None) -> None:
        self._state = state
        self._reason = reason

    @property
    def state(self) -> DeviceState:
        """Where it stands now."""
        return self._state

    @property
    def reason(self) -> Fact | None:
        """Why, where there is something to say."""
        return self._reason

    def enter(self, state: DeviceState, reason: Fact | None = None) -> None:
        """Take a state, or another reason for the same one.

        Raises `ForbiddenTransitionError`, and changes nothing then.
        """
        if state is not self._state and state not in TRANSITIONS[self._state]:
            raise ForbiddenTransitionError(self._state, state)
        self._state, self._reason = state, reason


@dataclass(frozen=True)
class MeasuredSpeed:
    """What the worker's canary measured."""

    weight_bytes_per_second: float
    flops_per_second: float
    step_overhead_s: float


@dataclass
class PhoneIdentity:
    """Which phone it is, and its place in the rack."""

    serial: Serial
    position: int
    description: DeviceDescription | None = None
    """What it said of itself when it was connected to first."""


@dataclass
class PhoneConnection:
    """What reaches the phone itself, by adb; files on it stay when that breaks."""

    link: PhoneLink | None = None
    deployer: Deployer | None = None
    vitals_reader: VitalsReader | None = None
    hold: PhoneHold | None = None
    """Whose the phone is, as it says itself."""
    may_take: bool | None = None
    """Whether it is taken from another control centre; None where nobody has said so of it."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever uses the link for long."""
    way: tuple[str, int] | None = None
    """The way and the connection it was last prepared by (see `FoundPhone.way`)."""
    away: bool = False
    """Whether it is gone; the phone is prepared again when it comes back."""
    broken_off_at_s: float | None = None
    """When the phone went in the midst of being made ready, monotonic; None where it did not."""
    push_profile: LinkProfile | None = None
    """What a push got over it."""
    stored: set[BlobHash] = field(default_factory=set)
    """Files on the phone, hashed there."""

    def is_other_than(self, way: tuple[str, int] | None) -> bool:
        """Tell whether it is gone, or by another way than the phone is found by now."""
        return self.away or self.way != way


@dataclass
class PhoneWorker:
    """The worker on the phone that was met last; `client` is None once it was let go."""

    client: WorkerClient | None = None
    process_id: int | None = None
    public_key: bytes = b""
    """Ed25519, proven when it was met."""
    numerical_class: str = ""
    """What it says of how it computes."""
    route: Route | None = None
    """How this computer reaches it."""
    inbox_port: int | None = None
    """Its inbox on the phone itself."""
    wifi_inbox: str | None = None
    """Its inbox as other phones reach it, unless their Wi-Fi keeps them apart."""
    speed: MeasuredSpeed | None = None
    may_go_on: bool = False
    """Whether it may be taken up again: nothing is held against it but silence, a late step or
    another phone's word."""
    kept_spans: set[str] = field(default_factory=set)
    """Layers on it when it was taken up again, of which nobody said yet that they are needed."""
    stage_ms: float | None = None
    """What a token took it last, with the layers that it holds now."""
    stage_at_s: float | None = None
    """When that was, monotonic."""
    computed_s: float = 0.0
    """How long its stages computed for steps that came back, all requests together."""


@dataclass
class Phone:
    """Mutable; touched on the service thread only."""

    identity: PhoneIdentity
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    connection: PhoneConnection = field(default_factory=PhoneConnection)
    worker: PhoneWorker = field(default_factory=PhoneWorker)
    making_ready: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one that makes it ready; what becomes of it is that one's to say."""
    vitals: DeviceVitals | None = None
    vitals_at_s: float = 0.0
    """When they were read, monotonic."""
    drain: DrainMeter = field(default_factory=DrainMeter)
    memory_share: float = MEMORY_SHARE
    """Share of available memory that layers may take."""
    transfer: Transfer | None = None
    fault: Fault | None = None
    standing: PhoneStanding | None = None
    sentence: Fact | None = None
    """Why it is to go to jail once it was made ready; None where it is not."""
    ready_since_s: float = 0.0
    """When layers could be given to it last, after it could not be used, monotonic."""
    lost_at_s: float | None = None
    """When its worker was heard last, once it is lost, monotonic."""

    @property
    def serial(self) -> Serial:
        """What adb calls it."""
        return self.identity.serial

    @property
    def position(self) -> int:
        """Its place in the rack, from 1."""
        return self.identity.position

    @property
    def name(self) -> str:
        """What people call it."""
        description = self.identity.description
        return description.name if description else self.serial

    @property
    def state(self) -> DeviceState:
        """Where it stands; `enter` changes it."""
        return self.lifecycle.state

    @property
    def link(self) -> PhoneLink | None:
        """Its link, if it is connected."""
        return self.connection.link

    @property
    def client(self) -> WorkerClient | None:
        """The connection to its worker, if it has one."""
        return self.worker.client

    def enter(self, state: DeviceState, reason: Fact | None = None) -> None:
        """Take another state. Raises `ForbiddenTransitionError` as `Lifecycle.enter` does."""
        self.lifecycle.enter(state, reason)

    def is_called(self, phone: str) -> bool:
        """Tell whether it is meant by a serial number or a name."""
        return phone in {self.serial, self.name}

    def set_memory_share(self, share: float) -> None:
        """Let layers take that share of its available memory. Raises `BadInputError`."""
        if not is_memory_share(share):
            raise BadInputError("phone.odd_memory_share", most=MOST_MEMORY_SHARE)
        self.memory_share = share

    def jail(self, reason: Fact) -> None:
        """Let it work no more; what is being made ready goes to jail once that is done.

        Of one that has no worker the ledger tells when its worker is met.
        """
        if self.making_ready.locked():
            self.sentence = reason
        elif self.state in {DeviceState.READY, DeviceState.JAILED}:
            self.enter(DeviceState.JAILED, reason)

    def release(self) -> None:
        """Let it out of jail."""
        self.sentence = None
        if self.state is DeviceState.JAILED:
            self.enter(DeviceState.READY)

    @property
    def usable(self) -> bool:
        """Whether layers may be given to it now."""
        return self.state is DeviceState.READY and self.client is not None

    @property
    def profile(self) -> DeviceProfile | None:
        """What the planner needs, once everything is measured."""
        speed = self.worker.speed
        if self.vitals is None or speed is None:
            return None
        watts = self.drain.active_watts
        return DeviceProfile(
            self.serial,
            int(self.vitals.memory_available_bytes * self.memory_share),
            speed.weight_bytes_per_second,
            speed.flops_per_second,
            speed.step_overhead_s,
            USUAL_WATTS if watts is None else watts,
            is_drain_measured=watts is not None,
        )

    def snapshot(self, *, working: bool) -> PhoneSnapshot:
        """Return what front ends see; `working` is whether a running request holds layers here."""
        return PhoneSnapshot(
            serial=self.serial,
            position=self.position,
            state=DeviceState.WORKING if working and self.usable else self.state,
            state_reason=self.lifecycle.reason,
            description=self.identity.description,
            vitals=self.vitals,
            vitals_at_s=self.vitals_at_s if self.vitals else None,
            lost_at_s=self.lost_at_s if self.state is DeviceState.LOST else None,
            profile=self.profile,
            telemetry=self._telemetry(),
            memory_share=self.memory_share,
            standing=self.standing,
            transfer=self.transfer,
            fault=str(self.fault) if self.fault else None,
            route=self.worker.route,
        )

    def _telemetry(self) -> PhoneTelemetry | None:
        pulse = self.client.pulse if self.client else None
        if pulse is None:
            return None
        worker = self.worker
        return PhoneTelemetry(
            worker.stage_ms, pulse.resident_bytes, pulse.kv_bytes, pulse.at_s, worker.stage_at_s
        )
