"""A simulated phone: an adb connection that answers, and the workers launched over it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Final, cast

from app.core.clock import Clock
from app.core.device import DeviceState
from app.core.errors import PhoneLostError
from app.core.facts import Fact
from app.core.identifiers import BlobHash, Serial
from app.core.model import Blob
from app.core.nursery import Nursery
from app.devices.adb.link import PhoneLink, Progress, ShellResult
from app.devices.deployment.deployment import Deployer
from app.devices.deployment.phone_care import PhoneCare
from app.devices.discovery.discovery import Discovery
from app.devices.discovery.found_phone import FoundPhone
from app.simulation.network import Network
from app.simulation.worker import SeededIdentity, SimulatedWorker
from workers.protocol.configuration import WorkerConfiguration, WorkerReady

BLOCK_S: Final = (0.0003, 0.002)
"""What a block of the model takes phones, the quickest and the slowest."""
_FIRST_PORT: Final = 20_000


class SimulatedPhone:
    """Holds files, launches workers, dies, hangs and comes back. Lives on the loop."""

    def __init__(
        self,
        number: int,
        network: Network,
        clock: Clock,
        nursery: Nursery,
        random: Random,
        slowness: float = 1.0,
    ) -> None:
        """Each block takes `slowness` times one of `BLOCK_S`."""
        self.serial = Serial(f"SIM-{number}")
        self.address = f"10.0.0.{number}"
        self.stored: set[BlobHash] = set()
        self.connection = 0
        """How often it came back."""
        self.worker: SimulatedWorker | None = None
        self.process_id = 0
        self._ports = itertools.count(_FIRST_PORT)
        self._ready: WorkerReady | None = None
        self._identity = SeededIdentity(random.randbytes(32))
        self._network = network
        self._clock = clock
        self._nursery = nursery
        self._random = random
        self._block_s = slowness * random.uniform(*BLOCK_S)

    @property
    def reachable(self) -> bool:
        """Whether anything comes through to it."""
        return self._network.reaches(self.address)

    def require_reachable(self) -> None:
        """Raise `PhoneLostError` where it is not."""
        if not self.reachable:
            raise PhoneLostError("phone.no_longer_connected", phone=self.serial)

    def launch(self, configuration: WorkerConfiguration) -> WorkerReady:
        """Start a worker; the one before is ended."""
        self.end_worker()
        port = next(self._ports)
        self.process_id += 1
        self.worker = SimulatedWorker(
            configuration,
            self._identity,
            f"tcp://{self.address}:{port}",
            self._network,
            self._clock,
            self._nursery,
            self._random,
            self._block_s,
        )
        self._ready = WorkerReady(self.process_id, port, port)
        return self._ready

    def ready(self, process_id: int) -> WorkerReady | None:
        """Return where the worker of that process listens, None where it has ended."""
        return self._ready if self.runs(process_id) else None

    def runs(self, process_id: int) -> bool:
        """Tell whether the worker of that process has not ended."""
        return self.worker is not None and self.worker.alive and self.process_id == process_id

    def end_worker(self) -> None:
        """Let the worker die."""
        if self.worker is not None and self.worker.alive:
            self.worker.end()

    def hang(self) -> None:
        """Let the worker do nothing more that is asked; its pulse goes on."""
        if self.worker is not None:
            self.worker.hang()

    def slow_down(self, factor: float) -> None:
        """Let the worker take that many times as long as usual."""
        if self.worker is not None:
            self.worker.slowness = factor

    def go_away(self) -> None:
        """Be out of reach of everybody, adb among them; the worker runs on."""
        self._network.cut_off(self.address)

    def come_back(self) -> None:
        """Be there again, and end every fault of the worker but its death."""
        if not self.reachable:
            self.connection += 1
            self._network.reconnect(self.address)
        if self.worker is not None:
            self.worker.slowness = 1.0
            self.worker.go_on()


class SimulatedLink:
    """What of an adb link the rack uses by itself."""

    holder = ""

    def __init__(self, phone: SimulatedPhone) -> None:
        self._phone = phone
        self.transport = f"simulated {phone.address}"

    def shell(self, command: str, _timeout_s: float = 20.0) -> ShellResult:
        """Answer where the Wi-Fi is. Raises `PhoneLostError` for anything else."""
        self._phone.require_reachable()
        if not command.startswith("ip -4 addr"):
            raise PhoneLostError("phone.service_missing", service="shell")
        return ShellResult(0, f"    inet {self._phone.address}/24 scope global wlan0\n", "")

    def forward(self, _port: int) -> int:
        """Refuse: workers are reached over Wi-Fi alone."""
        raise PhoneLostError("phone.service_missing", service="forward")

    def reverse(self, _port: int) -> int:
        """Refuse: nothing is relayed through this computer."""
        raise PhoneLostError("phone.service_missing", service="reverse")

    def close(self) -> None:
        """Nothing is open."""


class SimulatedCare(PhoneCare):
    """A phone that is not asleep."""

    def __init__(self) -> None:
        """There is nothing to talk to."""

    def keep_awake(self) -> None:
        """Do nothing: it is awake."""

    def let_sleep(self) -> None:
        """Do nothing: it stays awake."""


class SimulatedDeployer(Deployer):
    """Puts nothing but names of files on a phone. Each call fails while it is out of reach."""

    def __init__(self, phone: SimulatedPhone) -> None:
        self._phone = phone
        self.care = SimulatedCare()

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Return those that were not pushed yet."""
        self._phone.require_reachable()
        return [blob for blob in blobs if blob.sha256 not in self._phone.stored]

    def push_blob(self, path: Path, blob: Blob, progress: Progress | None = None) -> None:
        """Keep its name."""
        self._phone.require_reachable()
        if progress is not None:
            progress(blob.size_bytes, blob.size_bytes)
        self._phone.stored.add(BlobHash(path.name))

    def launch(self, configuration: WorkerConfiguration, _timeout_s: float = 30.0) -> WorkerReady:
        """Start a worker at once, however long it might take."""
        self._phone.require_reachable()
        return self._phone.launch(configuration)

    def runs(self, process_id: int) -> bool:
        """Tell whether that worker has not ended."""
        self._phone.require_reachable()
        return self._phone.runs(process_id)

    def ready(self, process_id: int) -> WorkerReady | None:
        """Return where that worker listens."""
        self._phone.require_reachable()
        return self._phone.ready(process_id)

    def stop(self, process_id: int | None = None) -> None:
        """End the worker, or that of the process."""
        self._phone.require_reachable()
        if process_id is None or self._phone.runs(process_id):
            self._phone.end_worker()


class SimulatedDiscovery(Discovery):
    """Sees every phone that is within reach, at once."""

    def __init__(self, phones: Iterable[SimulatedPhone]) -> None:
        self._known = tuple(phones)

    def listen(self, listener: Callable[[], None]) -> None:
        """Tell nobody: the rack looks often enough."""

    def look(self) -> tuple[FoundPhone, ...]:
        """Return every phone as it is now."""
        return tuple(map(_found, self._known))

    def poll(self) -> tuple[FoundPhone, ...]:
        """Return every phone as it is now."""
        return self.look()

    @property
    def notices(self) -> tuple[Fact, ...]:
        """There is nothing besides."""
        return ()

    @property
    def account(self) -> tuple[Fact, ...]:
        """Each phone tells by itself."""
        return ()


def _found(phone: SimulatedPhone) -> FoundPhone:
    state = DeviceState.FOUND if phone.reachable else DeviceState.LOST
    reason = None if phone.reachable else Fact("phone.silent_at", address=phone.address)

    def connect() -> PhoneLink:
        phone.require_reachable()
        return cast(PhoneLink, SimulatedLink(phone))

    return FoundPhone(phone.serial, state, reason, phone.address, connect, phone.connection)
