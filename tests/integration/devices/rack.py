"""Virtual phones, and Google's adb server started privately, for tests of the host's side."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import adbutils

from app.benchmarks.connecting import adb_server_of_own
from app.core.errors import PhoneLostError
from app.devices.adb.adb_server import AdbServer
from app.devices.adb.keys import HostKey, host_key
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack

DEADLINE_S = 60.0


def persona(serial: str, **limits: object) -> Persona:
    table = {
        "serial": serial,
        "name": "Test Phone",
        "manufacturer": "Nobody",
        "android_version": "14",
        "cores": 4,
        "memory_bytes": 4_000_000_000,
    }
    return Persona.from_table({**table, **limits})


@contextmanager
def running(personas: Sequence[Persona], folder: Path) -> Iterator[VirtualRack]:
    rack = VirtualRack(personas, folder / "phones")
    rack.start()
    try:
        yield rack
    finally:
        rack.stop()


def key(folder: Path) -> HostKey:
    return host_key(folder / "keys", folder)


@contextmanager
def private_adb_server(folder: Path) -> Iterator[AdbServer]:
    """Run Google's adb server on a port and with a home of its own, without any USB phone."""
    with adb_server_of_own.adb_server_of_own(folder) as server:
        yield server


def let_in(server: AdbServer, *addresses: str) -> None:
    """Connect a server to phones and wait until it lists them as connected."""
    for address in addresses:
        until(partial(is_listed, server, address))


def is_listed(server: AdbServer, address: str) -> bool:
    """Connect as often as it takes: the server gives a daemon that is slow to answer one chance."""
    try:
        server.connect(address)
        states = {device.serial: device.state for device in server.devices()}
        if states.get(address) == "offline":
            server.disconnect(address)
    except (adbutils.AdbError, OSError, PhoneLostError):
        return False
    return states.get(address) == "device"


def free_port() -> int:
    return adb_server_of_own.free_port()


@contextmanager
def closed_port() -> Iterator[str]:
    """Yield an address at which nobody listens, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "did not come true in time"
        time.sleep(0.02)
