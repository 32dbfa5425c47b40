"""Racks of virtual phones and a private adb server of Google's, for the tests beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import adbutils

from app.benchmarks.connecting.adb_server_of_own import TRIES, free_port
from app.virtual.persona import Persona
from app.virtual.rack import VirtualRack

DEADLINE_S = 60.0


def persona(serial: str, **changes: object) -> Persona:
    """Return a phone without limits, but for the changes."""
    table: dict[str, object] = {
        "serial": serial,
        "name": "Test Phone",
        "manufacturer": "Test",
        "android_version": "14",
        "cores": 4,
        "memory_bytes": 2_000_000_000,
    }
    return Persona.from_table(table | changes)


@contextmanager
def running(folder: Path, *personas: Persona) -> Iterator[VirtualRack]:
    rack = VirtualRack(personas, folder)
    rack.start()
    try:
        yield rack
    finally:
        rack.stop()


def eventually(check: Callable[[], bool]) -> bool:
    """Return whether the check becomes true before the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not check():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


class GoogleAdb:
    """Google's adb with a server, a port and a key of its own; no mDNS: `adb_server_of_own`."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self._environment = {
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "PATH": os.environ["PATH"],
            "ANDROID_ADB_SERVER_PORT": str(port),
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "0",
            "ADB_MDNS": "0",
        }

    def run(
        self, *arguments: str, given: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            (adbutils.adb_path(), *arguments),
            env=self._environment,
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def on(
        self, address: str, *arguments: str, given: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return self.run("-s", address, *arguments, given=given)

    def shell(self, address: str, command: str) -> str:
        """Return what a command printed; it must end well."""
        done = self.on(address, "shell", command)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def state(self, address: str) -> str:
        for line in self.run("devices").stdout.decode().splitlines():
            name, _, state = line.partition("\t")
            if name == address:
                return state
        return "absent"

    def connect(self, address: str) -> None:
        assert eventually(lambda: self.reaches(address, "device"))

    def reaches(self, address: str, state: str) -> bool:
        """Connect as often as it takes: under load the server gives up after one slow try."""
        if self.state(address) == "offline":
            self.run("disconnect", address)
        self.run("connect", address)
        return self.state(address) == state


@contextmanager
def google_adb() -> Iterator[GoogleAdb]:
    folder = Path(tempfile.mkdtemp(prefix="adb-"))
    adb = _started(folder)
    try:
        yield adb
    finally:
        adb.run("kill-server")
        shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path) -> GoogleAdb:
    for _ in range(TRIES):
        adb = GoogleAdb(folder)
        if adb.run("start-server").returncode == 0:
            return adb
    raise AssertionError("no adb server came up")
