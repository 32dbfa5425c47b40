"""Pushing a large file in pieces, so that a push that was cut goes on where it ended.

A phone's daemon removes what it got of a file when its connection is cut (AOSP adb,
file_sync_service.cpp). A file is therefore put together on the phone from pieces that came whole,
and what is there is continued only once its bytes were hashed and compared with ours.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from pathlib import Path
from typing import Final, Protocol

from app.devices.adb.link import PhoneLink, Progress
from app.devices.deployment import phone_scripts as scripts

PIECE_BYTES: Final = 4 << 20
"""The most that is sent a second time; joining a piece costs one call of the phone's shell."""
HASH_BYTES_PER_SECOND: Final = 20e6
"""A slow phone's sha256sum; how long a verification may take follows from it."""
_MODE: Final = 0o600
_LOGGER = logging.getLogger(__name__)


class RunScript(Protocol):
    """Runs a script in the worker's folder; raises `PhoneRefusedError` where it fails."""

    def __call__(self, script: str, *, timeout_s: float = 20.0) -> str:
        """Return what it printed."""
        ...


class PiecewisePush:
    """Files on their way into the worker's folder of one phone."""

    def __init__(self, link: PhoneLink, run: RunScript) -> None:
        self._link = link
        self._run = run

    def landed_bytes(self, partial: str) -> int:
        """Return how much of a file an earlier push has left, not yet looked at."""
        found = self._link.stat(_path(partial))
        return found.size_bytes if found else 0

    def send(self, source: Path, partial: str, progress: Progress | None) -> None:
        """Put the file there under its partial name, going on with what has landed of it."""
        total_bytes = source.stat().st_size
        if total_bytes <= PIECE_BYTES:
            self._link.push(source, _path(partial), _MODE, progress)
            return
        done_bytes = self._verified_bytes(source, partial, total_bytes)
        if done_bytes and progress:
            progress(done_bytes, total_bytes)
        with source.open("rb") as file:
            file.seek(done_bytes)
            while piece := file.read(PIECE_BYTES):
                self._append(piece, partial, _shifted(progress, done_bytes, total_bytes))
                done_bytes += len(piece)

    def _verified_bytes(self, source: Path, partial: str, total_bytes: int) -> int:
        """Return how much on the phone begins the file; what does not is removed there."""
        landed = self.landed_bytes(partial)
        if landed == 0:
            return 0
        if landed <= total_bytes:
            script = scripts.hash_beginning(partial, landed)
            told = self._run(script, timeout_s=hash_timeout_s(landed))
            if told.split()[:1] == [_hash_of_beginning(source, landed)]:
                _LOGGER.info("%s: a push goes on at byte %d", self._link.transport, landed)
                return landed
        self._run(scripts.remove(partial))
        return 0

    def _append(self, piece: bytes, partial: str, progress: Progress | None) -> None:
        with tempfile.NamedTemporaryFile() as file:
            file.write(piece)
            file.flush()
            self._link.push(Path(file.name), _path(scripts.piece_name(partial)), _MODE, progress)
        self._run(scripts.join_piece(partial), timeout_s=hash_timeout_s(len(piece)))


def hash_timeout_s(size_bytes: int) -> float:
    """Return how long hashing that many bytes may take on a phone."""
    return 20.0 + size_bytes / HASH_BYTES_PER_SECOND


def _path(name: str) -> str:
    return f"{scripts.BASE_FOLDER}/{name}"


def _shifted(progress: Progress | None, before_bytes: int, total_bytes: int) -> Progress | None:
    """Return what reports a piece's bytes as the file's."""
    if progress is None:
        return None
    return lambda done_bytes, _: progress(before_bytes + done_bytes, total_bytes)


def _hash_of_beginning(source: Path, size_bytes: int) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as file:
        while size_bytes > 0 and (data := file.read(min(size_bytes, PIECE_BYTES))):
            digest.update(data)
            size_bytes -= len(data)
    return digest.hexdigest()
