"""The `sync:` service, version 1: files to, from and on a phone (AOSP adb, SYNC.TXT).

Written here because the libraries' own versions lose the phone's reason when a push fails
(adb-shell drops it, adbutils does not read it) and cannot be cancelled by the progress callback.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from app.core.errors import PhoneLostError
from app.devices.adb.link import Progress, RemoteFile
from app.devices.adb.stream import ByteStream, ExactReader
from app.devices.errors import PhoneRefusedError

CHUNK_BYTES: Final = 64 << 10
"""The largest DATA record the protocol allows."""
CHUNKS_PER_SEND: Final = 4
_MAXIMUM_TEXT_BYTES: Final = 64 << 10
_RECORD: Final = struct.Struct("<4sI")
_STAT: Final = struct.Struct("<III")
_ENTRY: Final = struct.Struct("<III")


def push_file(
    stream: ByteStream, source: Path, target: str, mode: int, progress: Progress | None
) -> None:
    """Copy a file onto the phone. Raises `PhoneRefusedError` with the phone's own reason."""
    total_bytes = source.stat().st_size
    stream.send(_request(b"SEND", f"{target},{stat.S_IFREG | mode}"))
    done_bytes = 0
    with source.open("rb") as file:
        for records, size_bytes in _data_records(file):
            stream.send(records)
            done_bytes += size_bytes
            if progress:
                progress(done_bytes, total_bytes)
    stream.send(_RECORD.pack(b"DONE", int(time.time())))
    reader = ExactReader(stream)
    kind, size_bytes = _RECORD.unpack(reader.exactly(_RECORD.size))
    if kind != b"OKAY":
        raise _failure(reader, kind, size_bytes, target)


def pull_file(
    stream: ByteStream, source: str, target: Path, total_bytes: int, progress: Progress | None
) -> None:
    """Copy a file from the phone; the target appears only when it is whole."""
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            done_bytes = 0
            for data in _received(stream, source):
                file.write(data)
                done_bytes += len(data)
                if progress:
                    progress(done_bytes, total_bytes)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def stat_file(stream: ByteStream, path: str) -> RemoteFile | None:
    """Return what is at that path, or None."""
    stream.send(_request(b"STAT", path))
    reader = ExactReader(stream)
    kind = reader.exactly(4)
    if kind != b"STAT":
        raise _unexpected(kind)
    mode, size_bytes, _modified_s = reader.record(_STAT)
    name = path.rstrip("/").rpartition("/")[2]
    return RemoteFile(name, mode, size_bytes) if mode else None


def list_folder(stream: ByteStream, path: str) -> list[RemoteFile]:
    """Return a folder's entries, without `.` and `..`; empty where there is no such folder."""
    stream.send(_request(b"LIST", path))
    reader = ExactReader(stream)
    entries = []
    while (kind := reader.exactly(4)) == b"DENT":
        mode, size_bytes, _modified_s = reader.record(_ENTRY)
        name = _short_text(reader, int.from_bytes(reader.exactly(4), "little"))
        if name not in {".", ".."}:
            entries.append(RemoteFile(name, mode, size_bytes))
    if kind != b"DONE":
        raise _unexpected(kind)
    return entries


def _data_records(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    while data := file.read(CHUNK_BYTES * CHUNKS_PER_SEND):
        chunks = [data[start : start + CHUNK_BYTES] for start in range(0, len(data), CHUNK_BYTES)]
        yield b"".join(_RECORD.pack(b"DATA", len(chunk)) + chunk for chunk in chunks), len(data)


def _received(stream: ByteStream, source: str) -> Iterator[bytes]:
    stream.send(_request(b"RECV", source))
    reader = ExactReader(stream)
    while True:
        kind, size_bytes = _RECORD.unpack(reader.exactly(_RECORD.size))
        if kind == b"DONE":
            return
        if kind != b"DATA" or size_bytes > CHUNK_BYTES:
            raise _failure(reader, kind, size_bytes, source)
        yield reader.exactly(size_bytes)


def _request(kind: bytes, path: str) -> bytes:
    encoded = os.fsencode(path)
    return _RECORD.pack(kind, len(encoded)) + encoded


def _failure(reader: ExactReader, kind: bytes, size_bytes: int, path: str) -> Exception:
    if kind != b"FAIL":
        return _unexpected(kind)
    reason = _short_text(reader, size_bytes).rstrip(".")
    if path in reason:
        return PhoneRefusedError("phone.file_refused", reason=reason)
    return PhoneRefusedError("phone.file_refused_at", path=path, reason=reason)


def _unexpected(kind: bytes) -> PhoneLostError:
    return PhoneLostError("phone.odd_file_answer", said=repr(kind))


def _short_text(reader: ExactReader, size_bytes: int) -> str:
    if size_bytes > _MAXIMUM_TEXT_BYTES:
        raise PhoneLostError("phone.name_too_long", size=size_bytes)
    return reader.exactly(size_bytes).decode("utf-8", "surrogateescape")
