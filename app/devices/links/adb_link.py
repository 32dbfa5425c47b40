"""The one `PhoneLink`: every method in terms of ADB services, whatever carries their bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from app.devices.adb.link import Progress, RemoteFile, ShellResult
from app.devices.adb.shell_service import run_command
from app.devices.adb.stream import ByteStream, StreamSource
from app.devices.adb.sync_service import list_folder, pull_file, push_file, stat_file
from app.devices.errors import PhoneRefusedError
from app.devices.links.tunnels import Tunnels

SILENCE_TIMEOUT_S: Final = 15.0
"""How long a phone may stay silent in a file transfer before it counts as lost."""
ROUND_TRIPS: Final = 5


class AdbLink:
    """A connected phone (see `PhoneLink`); one user at a time."""

    def __init__(self, source: StreamSource) -> None:
        self._source = source
        self._tunnels = Tunnels(source)

    @property
    def transport(self) -> str:
        """How it is reached, in a word or two."""
        return self._source.transport

    def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
        """Run a command by the phone's shell and wait for it; it must not read its input."""
        return run_command(self._source, command, timeout_s)

    def push(
        self, source: Path, target: str, mode: int = 0o644, progress: Progress | None = None
    ) -> None:
        """Copy a file onto the phone; folders on the way are made."""
        with self._sync() as stream:
            push_file(stream, source, target, mode, progress)

    def pull(self, source: str, target: Path, progress: Progress | None = None) -> None:
        """Copy a file from the phone. Raises `PhoneRefusedError` where there is none."""
        found = self.stat(source)
        if found is None:
            raise PhoneRefusedError("phone.file_absent", path=source)
        with self._sync() as stream:
            pull_file(stream, source, target, found.size_bytes, progress)

    def stat(self, path: str) -> RemoteFile | None:
        """Return what is at that path, or None."""
        with self._sync() as stream:
            return stat_file(stream, path)

    def list(self, path: str) -> list[RemoteFile]:
        """Return the entries of a folder, none where there is no such folder."""
        with self._sync() as stream:
            return list_folder(stream, path)

    def round_trip_s(self) -> float:
        """Return the shortest time of a few small questions and their answers."""
        times_s = []
        with self._sync() as stream:
            for _ in range(ROUND_TRIPS):
                start_s = time.perf_counter()
                stat_file(stream, "/")
                times_s.append(time.perf_counter() - start_s)
        return min(times_s)

    def forward(self, phone_port: int) -> int:
        """Return a loopback port of this computer that comes out at that one of the phone."""
        return self._tunnels.forward(phone_port)

    def reverse(self, host_port: int) -> int:
        """Return a loopback port of the phone that comes out at that one of its holder."""
        return self._tunnels.reverse(host_port)

    def fetch(self, intake_port: int, secret: bytes, host_port: int) -> None:
        """Lead the connections of a phone's outlet to a loopback port of this computer."""
        self._tunnels.fetch(intake_port, secret, host_port)

    def stop_fetching(self, intake_port: int) -> None:
        """Leave an outlet alone again, where it is led out."""
        self._tunnels.stop_fetching(intake_port)

    def mend_tunnels(self) -> int:
        """Put back the tunnels that somebody else removed; return how many."""
        return self._tunnels.mend()

    @property
    def holder(self) -> str:
        """Empty where this computer holds the phone, else the adb server's address that does."""
        return self._source.holder

    def forward_there(self, phone_port: int) -> int:
        """Return a loopback port of the computer that holds the phone, for one of the phone's."""
        return self._source.forward_there(phone_port)

    def close(self) -> None:
        """Let go of the phone and of what is forwarded to it."""
        self._tunnels.close()
        self._source.close()

    @contextmanager
    def _sync(self) -> Iterator[ByteStream]:
        stream = self._source.open("sync:", SILENCE_TIMEOUT_S)
        try:
            yield stream
        finally:
            stream.close()
