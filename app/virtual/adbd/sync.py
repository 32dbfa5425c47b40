"""The `sync:` service: stat, list, push and pull (AOSP `file_sync_protocol.h`, v1 and v2)."""

from __future__ import annotations

import asyncio
import os
import stat
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from app.virtual.adbd.streams import Stream, StreamClosedError
from app.virtual.rootfs import Rootfs

MAXIMUM_CHUNK_BYTES = 64 * 1024
_MAXIMUM_PATH_BYTES = 1024
_REQUEST = struct.Struct("<4sI")
_STAT_V1 = struct.Struct("<4s3I")
_STAT_V2 = struct.Struct("<4sI2Q4IQ3q")
_DENT_V1 = struct.Struct("<4s4I")
_DENT_V2 = struct.Struct("<4sI2Q4IQ3qI")
_UINT32 = 0xFFFFFFFF
_ONLY_REGULAR_FILES = "only regular files can be pushed"
_A_FOLDER = "{} is a folder"
_NO_FILE = "{} is not a file"
"""Text of the protocol, always English."""


class SyncService:
    """One `sync:` stream. Every path goes through the root's check."""

    def __init__(self, stream: Stream, rootfs: Rootfs) -> None:
        self._stream = stream
        self._rootfs = rootfs

    async def serve(self) -> None:
        """Answer requests until QUIT or a request that is none."""
        handlers = {
            b"STAT": self._stat_v1,
            b"STA2": self._stat_v2,
            b"LST2": self._stat_link_v2,
            b"LIST": self._list_v1,
            b"LIS2": self._list_v2,
            b"SEND": self._receive_file,
            b"RECV": self._send_file,
        }
        while True:
            name, size_bytes = await self._read_request()
            if name not in handlers:
                return
            if size_bytes > _MAXIMUM_PATH_BYTES:
                await self._fail("path too long")
                return
            path = os.fsdecode(await self._stream.read_exactly(size_bytes))
            try:
                await handlers[name](path)
            except OSError as error:
                await self._fail(str(error))
                return

    async def _read_request(self) -> tuple[bytes, int]:
        name, size_bytes = _REQUEST.unpack(await self._stream.read_exactly(_REQUEST.size))
        return bytes(name), int(size_bytes)

    async def _fail(self, reason: str) -> None:
        text = reason.encode(errors="replace")
        await self._stream.write(_REQUEST.pack(b"FAIL", len(text)) + text)

    async def _stat_v1(self, path: str) -> None:
        try:
            status = os.lstat(self._rootfs.resolve_entry(path))
            answer = _STAT_V1.pack(b"STAT", *_brief(status))
        except OSError:
            answer = _STAT_V1.pack(b"STAT", 0, 0, 0)
        await self._stream.write(answer)

    async def _stat_v2(self, path: str) -> None:
        await self._stat_full(b"STA2", path, self._rootfs.resolve)

    async def _stat_link_v2(self, path: str) -> None:
        await self._stat_full(b"LST2", path, self._rootfs.resolve_entry)

    async def _stat_full(self, name: bytes, path: str, resolve: Callable[[str], Path]) -> None:
        try:
            answer = _STAT_V2.pack(name, 0, *_full(os.lstat(resolve(path))))
        except OSError as error:
            answer = _STAT_V2.pack(name, error.errno or 1, *([0] * 10))
        await self._stream.write(answer)

    async def _list_v1(self, path: str) -> None:
        for name, status in self._entries(path):
            entry = _DENT_V1.pack(b"DENT", *_brief(status), len(name))
            await self._stream.write(entry + name)
        await self._stream.write(_DENT_V1.pack(b"DONE", *([0] * 4)))

    async def _list_v2(self, path: str) -> None:
        for name, status in self._entries(path):
            entry = _DENT_V2.pack(b"DNT2", 0, *_full(status), len(name))
            await self._stream.write(entry + name)
        await self._stream.write(_DENT_V2.pack(b"DONE", *([0] * 12)))

    def _entries(self, path: str) -> list[tuple[bytes, os.stat_result]]:
        try:
            with os.scandir(self._rootfs.resolve(path)) as found:
                return [
                    (os.fsencode(entry.name), entry.stat(follow_symlinks=False)) for entry in found
                ]
        except OSError:
            return []

    async def _receive_file(self, specification: str) -> None:
        """SEND: `path,mode`, DATA chunks, DONE with the time of change."""
        path, _, mode_text = specification.rpartition(",")
        try:
            mode = int(mode_text)
            target = self._push_target(path, mode)
            descriptor, draft = tempfile.mkstemp(prefix=".push-", dir=target.parent)
        except (OSError, ValueError) as error:
            await self._refuse_file(str(error))
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                modified_s = await self._receive_chunks(file.write)
            os.utime(draft, (modified_s, modified_s))
            os.chmod(draft, (mode & 0o777) | stat.S_IRUSR | stat.S_IWUSR)  # noqa: PTH101 - one quick call
            os.replace(draft, target)  # noqa: PTH105 - same
        except BaseException:
            os.unlink(draft)  # noqa: PTH108 - same
            raise
        await self._stream.write(_REQUEST.pack(b"OKAY", 0))

    def _push_target(self, path: str, mode: int) -> Path:
        if not path or not 0 <= mode <= _UINT32 or stat.S_ISLNK(mode):
            raise PermissionError(_ONLY_REGULAR_FILES)
        target = self._rootfs.resolve_entry(path)
        if target.is_dir():
            raise IsADirectoryError(_A_FOLDER.format(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    async def _refuse_file(self, reason: str) -> None:
        """Say why, then read the rest of the file away: the computer looks only at the end."""
        await self._fail(reason)
        await self._receive_chunks(lambda _: None)

    async def _receive_chunks(self, take: Callable[[bytes], object]) -> int:
        while True:
            name, number = await self._read_request()
            if name == b"DONE":
                return number
            if name != b"DATA" or number > MAXIMUM_CHUNK_BYTES:
                raise StreamClosedError
            take(await self._stream.read_exactly(number))

    async def _send_file(self, path: str) -> None:
        """RECV: the file in DATA chunks, then DONE."""
        try:
            source = self._rootfs.resolve(path)
            if not source.is_file():
                raise FileNotFoundError(_NO_FILE.format(path))
            file = await asyncio.to_thread(source.open, "rb")
        except OSError as error:
            await self._fail(str(error))
            return
        with file:
            while data := file.read(MAXIMUM_CHUNK_BYTES):
                await self._stream.write(_REQUEST.pack(b"DATA", len(data)) + data)
        await self._stream.write(_REQUEST.pack(b"DONE", 0))


def _brief(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mode, min(status.st_size, _UINT32), int(status.st_mtime) & _UINT32


def _full(status: os.stat_result) -> tuple[int, ...]:
    return (
        status.st_dev,
        status.st_ino,
        status.st_mode,
        status.st_nlink,
        status.st_uid,
        status.st_gid,
        status.st_size,
        int(status.st_atime),
        int(status.st_mtime),
        int(status.st_ctime),
    )
