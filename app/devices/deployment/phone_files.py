"""The worker's folder on one phone: files pushed and checked there, scripts run in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from app.core.errors import HashMismatchError
from app.core.identifiers import Serial
from app.devices.adb.link import PhoneLink, Progress, ShellResult
from app.devices.condition.parsers import free_bytes
from app.devices.deployment import phone_scripts as scripts
from app.devices.deployment.piecewise_push import PiecewisePush, hash_timeout_s
from app.devices.errors import PhoneRefusedError

SPARE_BYTES: Final = 16 << 20
"""Room that must be left on the phone beside what is pushed."""
PLENTY_BYTES: Final = 1 << 30
"""With less room than this left a phone is asked before each file."""
TRUSTED_S: Final = 10.0
"""How long a phone's word on its room counts: nobody else fills so much of it meanwhile."""


class PhoneFiles:
    """Used by one thread at a time."""

    def __init__(self, link: PhoneLink, serial: Serial) -> None:
        self.link = link
        self.serial = serial
        self._pushes = PiecewisePush(link, self.run)
        self._left_bytes = 0
        """Room that the phone spoke of, without what was pushed since."""
        self._asked_s = 0.0

    def push(
        self, path: Path, name: str, sha256: str, mode: int, progress: Progress | None
    ) -> None:
        """Put a file into the folder; it has its name there only once its hash was checked.

        A push that was cut goes on where it ended. Raises `HashMismatchError` where the bytes that
        landed are others.
        """
        partial = _partial(name)
        self._pushes.send(path, partial, progress)
        timeout_s = hash_timeout_s(path.stat().st_size)
        result = self.link.shell(scripts.accept(partial, name, sha256, mode), timeout_s)
        if result.exit_code == scripts.MISMATCH_EXIT_CODE:
            raise HashMismatchError("phone.file_damaged", name=path.name, phone=self.serial)
        self.check(result)

    def check_room(self, name: str, size_bytes: int) -> None:
        """Raise `PhoneRefusedError` where the phone has no room for that much more.

        What has landed of the file of that name has its room already. A model is hundreds of files:
        the phone is not asked before each of them where it has said that there is plenty.
        """
        self._left_bytes -= size_bytes
        if self._left_bytes > PLENTY_BYTES and time.monotonic() - self._asked_s < TRUSTED_S:
            return
        wanted = size_bytes - self._pushes.landed_bytes(_partial(name)) + SPARE_BYTES
        free = free_bytes(self.run(scripts.free_space()))
        if free is not None and free < wanted:
            raise PhoneRefusedError("phone.storage_lacks", phone=self.serial, size=wanted - free)
        self._left_bytes, self._asked_s = (free or 0) - wanted, time.monotonic()

    def run(self, script: str, *tolerated: int, timeout_s: float = 20.0) -> str:
        """Return what a script printed. Raises `PhoneRefusedError` for any other exit code."""
        result = self.link.shell(script, timeout_s)
        if result.exit_code not in tolerated:
            self.check(result)
        return result.stdout

    def check(self, result: ShellResult) -> None:
        """Raise `PhoneRefusedError` with the command's last word where it failed."""
        if result.exit_code != 0:
            said = result.stderr.strip().rpartition("\n")[2]
            if said:
                raise PhoneRefusedError("phone.command_said", phone=self.serial, said=said)
            raise PhoneRefusedError(
                "phone.command_failed", phone=self.serial, exit_code=result.exit_code
            )


def _partial(name: str) -> str:
    return f"{name}.part"
