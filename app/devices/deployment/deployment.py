"""Putting the worker and its weights on a phone, starting it and stopping it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.core.errors import BadInputError
from app.core.identifiers import BlobHash, Serial, is_sha256
from app.core.model import Blob
from app.devices.adb.link import PhoneLink, Progress
from app.devices.deployment import phone_scripts as scripts
from app.devices.deployment.phone_care import PhoneCare
from app.devices.deployment.phone_files import PhoneFiles
from app.devices.deployment.phone_runtime import find_runtime
from app.devices.deployment.runtime_bundle import RUN_SCRIPT, RuntimeBundle
from app.devices.deployment.runtime_install import FindRuntime, RuntimeInstaller
from app.devices.deployment.worker_launch import WorkerLaunch
from workers.errors import WireError
from workers.protocol.configuration import STORE_FOLDER, WorkerConfiguration, WorkerReady

STORE: Final = f"{scripts.BASE_FOLDER}/{STORE_FOLDER}"
_TALLY_NUMBERS: Final = 2


@dataclass(frozen=True)
class Removed:
    """What cleaning a phone took from it."""

    files: int = 0
    size_bytes: int = 0
    worker_ended: bool = False

    @classmethod
    def from_tally(cls, words: list[str]) -> Removed:
        """Return what the phone counted, nothing where it had no folder of ours."""
        numbers = [int(word) for word in words if word.isdecimal()]
        if len(numbers) != _TALLY_NUMBERS:
            return cls()
        return cls(numbers[0], numbers[1] * 1024, scripts.RUNNING in words)


class Deployer:
    """Everything that is done in the worker's folder on one phone, by one thread at a time."""

    def __init__(
        self,
        link: PhoneLink,
        serial: Serial,
        bundle: RuntimeBundle,
        find_runtime: FindRuntime = find_runtime,
    ) -> None:
        """`find_runtime` returns this computer's runtime for phones of an ABI without Python."""
        self._link = link
        self._serial = serial
        self._bundle = bundle
        self._files = PhoneFiles(link, serial)
        self._runtime = RuntimeInstaller(self._files, find_runtime)
        self.care = PhoneCare(link, serial)

    def install_runtime(self, progress: Progress | None = None) -> None:
        """Push the worker's code, and what runs it, where this version is not there yet.

        Raises `WorkerError` where nothing on the phone can run it.
        """
        told = self._files.run(scripts.prepare(self._bundle.archive_name, RUN_SCRIPT))
        bundle = self._bundle
        if scripts.WITHOUT_PYTHON in told.split():
            bundle = replace(bundle, runtime_folder=self._runtime.install(progress))
        wanted = {
            bundle.archive_name: (bundle.archive, 0o600),
            RUN_SCRIPT: (bundle.run_script, 0o700),
        }
        for name, (content, mode) in wanted.items():
            if not re.search(rf"^{_hash(content)}\s+\*?{re.escape(name)}$", told, re.MULTILINE):
                self._push_bytes(content, name, mode, progress)
        self._files.run(scripts.remove_other_versions(bundle.archive_name))

    def stored(self) -> frozenset[BlobHash]:
        """Return the names of the files in the phone's store."""
        names = (entry.name for entry in self._link.list(STORE))
        return frozenset(BlobHash(name) for name in names if is_sha256(name))

    def missing(self, blobs: Iterable[Blob]) -> list[Blob]:
        """Return those of the blobs that the phone does not hold whole, each once."""
        held = {(entry.name, entry.size_bytes) for entry in self._link.list(STORE)}
        return [blob for blob in dict.fromkeys(blobs) if (blob.sha256, blob.size_bytes) not in held]

    def push_blob(self, path: Path, blob: Blob, progress: Progress | None = None) -> None:
        """Put a file into the phone's store; it has its name there only once its hash was checked.

        A push that was cut, even days ago, goes on where it ended. Raises `PhoneRefusedError` where
        the phone has no room, `HashMismatchError` where the bytes that landed are others,
        `PhoneLostError` where it vanishes.
        """
        if not is_sha256(blob.sha256):
            raise BadInputError("blob.odd_name", name=blob.sha256)
        if path.stat().st_size != blob.size_bytes:
            raise BadInputError("blob.of_another_size", name=path.name, size=blob.size_bytes)
        name = f"{STORE_FOLDER}/{blob.sha256}"
        self._files.check_room(name, blob.size_bytes)
        self._files.push(path, name, blob.sha256, 0o600, progress)

    def launch(self, configuration: WorkerConfiguration, timeout_s: float = 30.0) -> WorkerReady:
        """Start the worker, ending an older one of ours, and wait until its sockets are bound.

        The configuration's `folder` is set here: the worker runs in the folder it was put into.
        Raises `WorkerError` with the last line of its log where it does not come up.
        """
        return WorkerLaunch(self._link, self._serial).run(configuration, timeout_s)

    def runs(self, process_id: int) -> bool:
        """Tell whether that process is still a worker of ours."""
        told = self._files.run(scripts.runs(process_id), scripts.NO_FOLDER_EXIT_CODE)
        return scripts.RUNNING in told.split()

    def ready(self, process_id: int) -> WorkerReady | None:
        """Return what a worker wrote when it was ready, None where that process ended since."""
        told = self._files.run(scripts.ready_file(process_id), scripts.NO_FOLDER_EXIT_CODE)
        try:
            ready = WorkerReady.from_json(told)
        except WireError:
            return None
        return ready if ready.process_id == process_id else None

    def stop(self, process_id: int | None = None) -> None:
        """End a worker, by default the last one; other processes than ours are left alone."""
        self._files.run(scripts.end_worker(process_id), scripts.NO_FOLDER_EXIT_CODE)

    def clean(self) -> Removed:
        """End the worker, leave nothing of ours on the phone, and return what was there."""
        tally = self._files.run(scripts.tally(), scripts.NO_FOLDER_EXIT_CODE).split()
        self.care.let_sleep()
        self._files.run(scripts.end_worker(), scripts.NO_FOLDER_EXIT_CODE)
        self._files.run(scripts.remove_everything())
        return Removed.from_tally(tally)

    def _push_bytes(self, content: bytes, name: str, mode: int, progress: Progress | None) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            self._files.push(Path(file.name), name, _hash(content), mode, progress)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
