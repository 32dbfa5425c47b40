"""Virtual phones, and Google's adb server started privately, for tests of the host's side."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import adbutils

from app.core.errors import PhoneLostError
from app.devices.adb_server import AdbServer
from app.devices.keys import HostKey, host_key
from app.devices.virtual.persona import Persona
from app.devices.virtual.rack import VirtualRack

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
    """Run Google's adb server on a port and with a home of its own, without any USB phone.

    Without mDNS: version 36 ends itself ("OSP_CHECK failed") when advertised names collide, as
    those of tests beside each other do.
    """
    port = free_port()
    command = (adbutils.adb_path(), "-L", f"tcp:{port}", "--one-device", "none")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",
        "ADB_MDNS": "0",
    }
    server = subprocess.Popen(
        (*command, "nodaemon", "server"),
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = AdbServer("127.0.0.1", port)
    try:
        until(lambda: answers(client))
        yield client
    finally:
        server.terminate()
        server.wait(DEADLINE_S)


def answers(server: AdbServer) -> bool:
    try:
        server.devices()
    except PhoneLostError:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "did not come true in time"
        time.sleep(0.02)
