"""Putting an interpreter of our own on a phone that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.core.errors import HashMismatchError, WorkerError
from app.devices.adb.link import Progress
from app.devices.deployment import phone_scripts, runtime_scripts
from app.devices.deployment.phone_files import PhoneFiles
from app.devices.deployment.phone_runtime import PhoneRuntime, RuntimeFacts, how_to_build
from app.devices.deployment.piecewise_push import hash_timeout_s

FindRuntime = Callable[[str], PhoneRuntime | None]
_UNPACK_FACTOR: Final = 3
"""Unpacking writes, reads and hashes what hashing alone reads."""


class RuntimeInstaller:
    """One phone's runtime: pushed once a version, unpacked and verified there."""

    def __init__(self, files: PhoneFiles, find_runtime: FindRuntime) -> None:
        """`find_runtime` returns this computer's archive for an ABI."""
        self._files = files
        self._find = find_runtime

    def install(self, progress: Progress | None = None) -> str:
        """Return the name of the folder in which a whole runtime lies by now.

        Raises `WorkerError` where this computer has none for the phone's processor,
        `HashMismatchError` where the phone damages what it is given, `PhoneRefusedError` where it
        has no room.
        """
        runtime = self._for_this_phone()
        facts = runtime.facts
        if not self._is_there(facts):
            archive = f"{facts.folder_name}.tar.gz"
            self._files.check_room(archive, facts.archive_bytes + facts.unpacked_bytes)
            self._files.push(runtime.path, archive, facts.version, 0o600, progress)
            self._unpack(archive, facts)
        self._files.run(runtime_scripts.remove_old_versions())
        return facts.folder_name

    def _for_this_phone(self) -> PhoneRuntime:
        abi = self._files.run(phone_scripts.processor()).strip()
        runtime = self._find(abi)
        if runtime is None:
            raise WorkerError(
                "phone.without_python", phone=self._files.serial, remedy=how_to_build(abi)
            )
        return runtime

    def _is_there(self, facts: RuntimeFacts) -> bool:
        script = runtime_scripts.state(facts.folder_name, facts.sums_sha256)
        printed = self._files.run(script, timeout_s=hash_timeout_s(facts.unpacked_bytes))
        return printed.strip() == runtime_scripts.WHOLE

    def _unpack(self, archive: str, facts: RuntimeFacts) -> None:
        script = runtime_scripts.unpack(archive, facts.folder_name, facts.sums_sha256)
        timeout_s = _UNPACK_FACTOR * hash_timeout_s(facts.unpacked_bytes)
        result = self._files.link.shell(script, timeout_s)
        if result.exit_code == phone_scripts.MISMATCH_EXIT_CODE:
            raise HashMismatchError("phone_runtime.unpacked_damaged", phone=self._files.serial)
        self._files.check(result)
