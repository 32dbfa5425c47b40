"""One way of talking to a phone, whatever carries it: an adb server, USB or TCP.

Every method blocks and is called from a small pool of threads; a link is used by one at a time.
All of them raise `PhoneLostError` when the phone is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all); may raise to cancel."""


@dataclass(frozen=True)
class ShellResult:
    """What a command on the phone left: exit code and separate output streams."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class RemoteFile:
    """A file or folder on the phone."""

    name: str
    mode: int
    size_bytes: int


class PhoneLink(Protocol):
    """A connected phone."""

    @property
    def transport(self) -> str:
        """How it is reached, in a word or two: `Wi-Fi 192.168.1.7:5555`, `USB`, `adb server`."""
        ...

    def shell(self, command: str, timeout_s: float = 20.0) -> ShellResult:
        """Run a command by the phone's shell and wait for it."""
        ...

    def push(
        self, source: Path, target: str, mode: int = 0o644, progress: Progress | None = None
    ) -> None:
        """Copy a file onto the phone."""
        ...

    def pull(self, source: str, target: Path, progress: Progress | None = None) -> None:
        """Copy a file from the phone."""
        ...

    def stat(self, path: str) -> RemoteFile | None:
        """Return what is at that path, or None."""
        ...

    def list(self, path: str) -> list[RemoteFile]:
        """Return the entries of a folder."""
        ...

    def round_trip_s(self) -> float:
        """Return the shortest time of a few small questions and their answers."""
        ...

    @property
    def holder(self) -> str:
        """Empty where this computer holds the phone, else the adb server's address that does."""
        ...

    def forward_there(self, phone_port: int) -> int:
        """Return a loopback port of the computer that holds the phone, for that one of the phone.

        Raises `PhoneRefusedError` where that is this computer.
        """
        ...

    def forward(self, phone_port: int) -> int:
        """Return a loopback port of this computer that comes out at that one of the phone.

        It stays until the link is closed. Tunnels and other calls do not wait for each other.
        """
        ...

    def reverse(self, host_port: int) -> int:
        """Return a loopback port of the phone that comes out at that one of its holder.

        It stays until the link is closed. Raises `PhoneRefusedError` where the
        phone cannot do that.
        """
        ...

    def fetch(self, intake_port: int, secret: bytes, host_port: int) -> None:
        """Lead the connections of a phone's outlet to a loopback port of this computer.

        It goes on until `stop_fetching` or until the link is closed. The worker's `outlet` command
        gives the intake; the secret is the one it was told.
        """
        ...

    def stop_fetching(self, intake_port: int) -> None:
        """Leave an outlet alone again, where it is led out."""
        ...

    def mend_tunnels(self) -> int:
        """Put back the tunnels that somebody else removed, ports unchanged; return how many.

        Raises `PhoneRefusedError` where one cannot be put back, once.
        """
        ...

    def close(self) -> None:
        """Let go of the phone."""
        ...
