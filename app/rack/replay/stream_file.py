"""The recorded stream of a rack in a file: commands, events and snapshots with their times.

A line that names the format and the version of the program, then frames: a length of four bytes,
big-endian, and so many bytes of zlib over msgpack, `[sequence, at_s, kind, value]`. Values have no
field names (`app.rack.events.values`), so that only the version that wrote a file reads it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final, get_args

import msgpack

from app.core.errors import BadInputError, reason_of
from app.rack.commands import AnyCommand
from app.rack.commands.command import Command
from app.rack.door.messages import HEAD
from app.rack.events.recorder import CommandEnded, CommandGiven, Record, Recorded
from app.rack.events.request_events import RequestEvent
from app.rack.events.values import UnreadableError, read_as, write_as
from app.rack.snapshot import RackSnapshot, TimelineEvent
from workers.version import VERSION

FIRST_LINE: Final = f"shardloom stream 1 {VERSION}\n".encode()
MOST_FRAME_BYTES: Final = 64 << 20
MOST_FILE_BYTES: Final = 2 << 30
_PLAIN: Final[Mapping[str, Any]] = {
    each.__name__: each for each in (CommandEnded, RequestEvent, TimelineEvent, RackSnapshot)
}
_COMMANDS: Final[Mapping[str, type[Command[Any]]]] = {
    each.__name__: each for each in get_args(AnyCommand)
}
_UNPACKING: Final = (ValueError, RecursionError, msgpack.exceptions.UnpackException, zlib.error)


class StreamWriter:
    """Appends records to a new file. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Begin the file. Raises `BadInputError` where it cannot be written."""
        try:
            self._file: IO[bytes] = path.open("wb")
            self._file.write(FIRST_LINE)
        except OSError as error:
            raise BadInputError(
                "stream.not_written", file=str(path), reason=reason_of(error)
            ) from None
        self._written = len(FIRST_LINE)

    @property
    def full(self) -> bool:
        """Whether it takes no more."""
        return self._written >= MOST_FILE_BYTES

    def write(self, records: tuple[Record, ...]) -> None:
        """Append records, as long as there is room. Raises `OSError`."""
        for record in records:
            if not self.full:
                body = zlib.compress(msgpack.packb(_written(record)), 1)
                self._written += self._file.write(HEAD.pack(len(body)) + body)
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()


def read_stream(path: Path) -> Iterator[Record]:
    """Return the records of a file, one by one; one that was cut off at its end ends there.

    Raises `BadInputError` for what is no such file, of another version, or damaged.
    """
    try:
        with path.open("rb") as file:
            if file.readline(len(FIRST_LINE) + 64) != FIRST_LINE:
                raise BadInputError("stream.another", file=path.name, version=VERSION)
            yield from _frames(path, file.read)
    except OSError as error:
        raise BadInputError("stream.unreadable", file=path.name, reason=reason_of(error)) from None


def _frames(path: Path, read: Callable[[int], bytes]) -> Iterator[Record]:
    while len(head := read(HEAD.size)) == HEAD.size:
        (length,) = HEAD.unpack(head)
        if length > MOST_FRAME_BYTES:
            raise BadInputError("stream.damaged", file=path.name)
        body = read(length)
        if len(body) < length:
            return
        try:
            yield _read(body)
        except (UnreadableError, *_UNPACKING):
            raise BadInputError("stream.damaged", file=path.name) from None


def _written(record: Record) -> list[object]:
    what = record.what
    if isinstance(what, CommandGiven):
        command = what.command
        told = [type(command).__name__, _told(command)]
        return [record.sequence, record.at_s, "CommandGiven", told]
    return [record.sequence, record.at_s, type(what).__name__, write_as(type(what), what)]


def _told(command: Command[Any]) -> object:
    """Return what a command holds; None of one that holds more than values."""
    try:
        return write_as(type(command), command)
    except TypeError:
        return None


def _read(body: bytes) -> Record:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(body, MOST_FRAME_BYTES)
    if unpacker.unconsumed_tail:
        raise UnreadableError("length")
    parts = msgpack.unpackb(content)
    if type(parts) is not list or len(parts) != 4:
        raise UnreadableError("record")
    sequence, at_s, kind, value = parts
    if type(sequence) is not int or type(at_s) is not float or type(kind) is not str:
        raise UnreadableError("record")
    return Record(sequence, at_s, _what(kind, value))


def _what(kind: str, value: object) -> Recorded:
    if kind in _PLAIN:
        plain: Recorded = read_as(_PLAIN[kind], value)
        return plain
    if kind != "CommandGiven" or type(value) is not list or len(value) != 2:
        raise UnreadableError("kind")
    name, told = value
    if name not in _COMMANDS:
        raise UnreadableError("command")
    command = Command[Any]() if told is None else read_as(_COMMANDS[name], told)
    return CommandGiven(command)
