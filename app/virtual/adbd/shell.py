"""The shell services: `shell:` (one mixed stream), `exec:` and `shell,v2:` (framed streams)."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from enum import IntEnum

from app.virtual.adbd.streams import Stream, StreamClosedError
from app.virtual.program_table import Program, Wiring
from workers.nursery import first_to_end

StartProgram = Callable[[str, Wiring], Awaitable[Program]]
"""Starts a shell command, an empty one meaning a shell that reads its input. Raises `OSError`."""

_FRAME = struct.Struct("<BI")
_READ_BYTES = 64 * 1024
_MAXIMUM_FRAME_BYTES = 1 << 20
_CANNOT_START = 126


class FrameKind(IntEnum):
    """Kinds of shell v2 frames (AOSP `shell_protocol.h`)."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    EXIT = 3
    CLOSE_STDIN = 4
    WINDOW_SIZE = 5


async def serve_plain(stream: Stream, start: StartProgram, command: str, *, terminal: bool) -> None:
    """Run a command with its input and its mixed output as one plain stream."""
    try:
        program = await start(command, Wiring.TERMINAL if terminal else Wiring.MIXED)
    except OSError as error:
        await stream.write(f"{error}\n".encode())
        return
    await _attend(program, _pour_input(stream, program), [_pour(program.stdout, stream.write)])


async def serve_framed(
    stream: Stream, start: StartProgram, command: str, *, terminal: bool
) -> None:
    """Run a command with separate streams and report its exit code."""
    try:
        program = await start(command, Wiring.TERMINAL if terminal else Wiring.SEPARATE)
    except OSError as error:
        await _write_frame(stream, FrameKind.STDERR, f"{error}\n".encode())
        await _write_frame(stream, FrameKind.EXIT, bytes((_CANNOT_START,)))
        return
    turn = asyncio.Lock()

    def write_as(kind: FrameKind) -> Callable[[bytes], Awaitable[None]]:
        async def write(data: bytes) -> None:
            async with turn:
                await _write_frame(stream, kind, data)

        return write

    outputs = [_pour(program.stdout, write_as(FrameKind.STDOUT))]
    if program.stderr is not None:
        outputs.append(_pour(program.stderr, write_as(FrameKind.STDERR)))
    await _attend(program, _pour_frames(stream, program), outputs)
    await _write_frame(stream, FrameKind.EXIT, bytes((program.exit_code.result() & 0xFF,)))


async def _attend(
    program: Program, feed: Coroutine[None, None, None], outputs: Sequence[Awaitable[None]]
) -> None:
    """Pass on a program's output until both it and its output ended.

    `feed` gives it input and returns when the computer leaves: then its session is hung up.
    """
    try:
        await first_to_end(_finish(program, outputs), _hung_up(feed))
    finally:
        if not program.exit_code.done():
            program.hang_up()
        program.close()


async def _hung_up(feed: Coroutine[None, None, None]) -> None:
    with suppress(StreamClosedError, OSError):
        await feed
    raise StreamClosedError


async def _finish(program: Program, outputs: Sequence[Awaitable[None]]) -> None:
    await asyncio.gather(*outputs)
    await asyncio.shield(program.exit_code)


async def _pour(reader: asyncio.StreamReader, write: Callable[[bytes], Awaitable[None]]) -> None:
    while data := await reader.read(_READ_BYTES):
        await write(data)


async def _pour_input(stream: Stream, program: Program) -> None:
    while data := await stream.read():
        await _give(program, data)


async def _pour_frames(stream: Stream, program: Program) -> None:
    with suppress(StreamClosedError):
        while True:
            kind, size_bytes = _FRAME.unpack(await stream.read_exactly(_FRAME.size))
            if size_bytes > _MAXIMUM_FRAME_BYTES:
                raise StreamClosedError
            data = await stream.read_exactly(size_bytes)
            if kind == FrameKind.STDIN:
                await _give(program, data)
            elif kind == FrameKind.CLOSE_STDIN:
                with suppress(OSError):
                    program.stdin.write_eof()


async def _give(program: Program, data: bytes) -> None:
    """Write to a program's input; one that no longer reads loses it, as on a pipe."""
    with suppress(OSError, RuntimeError):
        program.stdin.write(data)
        await program.stdin.drain()


async def _write_frame(stream: Stream, kind: FrameKind, data: bytes) -> None:
    await stream.write(_FRAME.pack(kind, len(data)) + data)
