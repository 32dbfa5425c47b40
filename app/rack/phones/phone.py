"""A phone as the service thread keeps it: everything known, changing as it is learnt."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.core.device import (
    DeviceDescription,
    DeviceProfile,
    DeviceState,
    LinkProfile,
    Route,
)
from app.core.identifiers import BlobHash, Serial
from app.core.vitals import DeviceVitals
from app.devices.adb.link import PhoneLink
from app.devices.condition.vitals import VitalsReader
from app.devices.deployment.deployment import Deployer
from app.faults.catalogue import Fault
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.worker_client import WorkerClient
from app.rack.snapshot import PhoneSnapshot, PhoneTelemetry, Transfer

MEMORY_SHARE = 0.7
"""Share of available memory a span may take (LinguaLinked's budget)."""


@dataclass(frozen=True)
class MeasuredSpeed:
    """What the worker's canary measured."""

    weight_bytes_per_second: float
    flops_per_second: float
    step_overhead_s: float


@dataclass
class Phone:
    """Mutable; touched on the service thread only."""

    serial: Serial
    position: int
    state: DeviceState = DeviceState.FOUND
    state_reason: str = ""
    away: bool = False
    """Whether its connection is gone; it is prepared again when it comes back."""
    way: tuple[str, int] | None = None
    """The way and the connection it was last prepared by (see `FoundPhone.way`)."""
    link: PhoneLink | None = None
    deployer: Deployer | None = None
    link_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    worker_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while its worker is being started."""
    description: DeviceDescription | None = None
    vitals: DeviceVitals | None = None
    vitals_at_s: float = 0.0
    """When they were read, monotonic."""
    vitals_reader: VitalsReader | None = None
    host_link: LinkProfile | None = None
    """What a push got over its ADB connection."""
    route: Route | None = None
    """How this computer reaches its worker."""
    inbox_port: int | None = None
    """Its worker's inbox on the phone itself."""
    wifi_inbox: str | None = None
    """Its worker's inbox as other phones reach it, unless their Wi-Fi keeps them apart."""
    speed: MeasuredSpeed | None = None
    client: WorkerClient | None = None
    public_key: bytes = b""
    """Ed25519, proven when its worker was met."""
    process_id: int | None = None
    worker_unheard: bool = False
    """Whether its worker is lost for no other reason than that nothing is heard of it."""
    kept_spans: set[str] = field(default_factory=set)
    """Layers on a worker that was taken up again, of which nobody said yet that they are needed."""
    stored: set[BlobHash] = field(default_factory=set)
    transfer: Transfer | None = None
    fault: Fault | None = None
    standing: PhoneStanding | None = None
    stage_ms: float | None = None
    stage_at_s: float | None = None
    lost_at_s: float | None = None
    """When its worker was heard last, once it is lost, monotonic."""

    @property
    def name(self) -> str:
        """What people call it."""
        return self.description.name if self.description else self.serial

    @property
    def usable(self) -> bool:
        """Whether layers may be given to it now."""
        return self.state is DeviceState.READY and self.client is not None

    @property
    def profile(self) -> DeviceProfile | None:
        """What the planner needs, once everything is measured."""
        if self.vitals is None or self.speed is None:
            return None
        return DeviceProfile(
            self.serial,
            int(self.vitals.memory_available_bytes * MEMORY_SHARE),
            self.speed.weight_bytes_per_second,
            self.speed.flops_per_second,
            self.speed.step_overhead_s,
        )

    def snapshot(self, *, working: bool) -> PhoneSnapshot:
        """Return what front ends see; `working` is whether a running request holds layers here."""
        return PhoneSnapshot(
            serial=self.serial,
            position=self.position,
            state=DeviceState.WORKING if working and self.usable else self.state,
            state_reason=self.state_reason,
            description=self.description,
            vitals=self.vitals,
            vitals_at_s=self.vitals_at_s if self.vitals else None,
            lost_at_s=self.lost_at_s if self.state is DeviceState.LOST else None,
            profile=self.profile,
            telemetry=self._telemetry(),
            standing=self.standing,
            transfer=self.transfer,
            fault=str(self.fault) if self.fault else None,
            route=self.route,
        )

    def _telemetry(self) -> PhoneTelemetry | None:
        pulse = self.client.pulse if self.client else None
        if pulse is None:
            return None
        return PhoneTelemetry(
            self.stage_ms, pulse.resident_bytes, pulse.kv_bytes, pulse.at_s, self.stage_at_s
        )
